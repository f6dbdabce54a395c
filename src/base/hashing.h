/* Hash functions for hmaps: libopenvswitch's hash_string(), hash_bytes(), hash_int(). */
#pragma once

#include "hash.h" /* IWYU pragma: export */
