/* Text on its way to a terminal: what may harm or mislead is spelled out, and the
 * rest is measured in columns. */
#pragma once

#include <stddef.h>

/* A copy in which control characters, invisible and direction-changing characters
 * are written as \n, \t, \r or \uXXXX, and bytes that are not UTF-8 as \xXX.
 * Characters of 'keep' (ASCII) stay.  The caller frees. */
char *cli_text_clean(const char *raw, const char *keep);

/* Columns of a terminal that clean text takes. */
size_t cli_text_width(const char *clean);
