/* Local VLANs: which tag stands for which network on this host.
 *
 * A network is told by its id and its segmentation id as text ("100", "None" without one), as
 * the stock agent writes them into Port.other_config.  A tag is taken by the first port of a
 * network and given back by the last; each port holds it once.  Then it rests until the
 * switch has taken it from those ports, and of the unused ones it is taken last: no two
 * networks ever share one, not for a frame, and what the switch has learned of the old one
 * is forgotten.
 *
 * A hint is a tag that a port came with.  As long as it is there the tag is kept for the
 * network, so that ports may be told in any order after a restart and none changes its tag.
 *
 * Loop thread only. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/err.h"

#define LVLAN_FIRST 1
#define LVLAN_LAST 4094

struct lvlans;

struct lvlans *lvlans_new(void);
void lvlans_free(struct lvlans *);
NT_AUTO(lvlans)

/* The network's tag, for one port more.  Fails with NT_EXHAUSTED: all are taken or
 * hinted, or rest. */
NT_NODISCARD int lvlans_hold(struct lvlans *, const char *network_id, const char *segmentation,
                             struct nt_err *);

/* For one port less; a network nobody holds is left alone. */
void lvlans_drop(struct lvlans *, const char *network_id, const char *segmentation);

/* The switch has all rows of ports as they are wanted: tags that were given back can be taken.
 * True when there are such. */
bool lvlans_rested(struct lvlans *);

/* The tag that ports hold; 0: none. */
int lvlans_find(const struct lvlans *, const char *network_id, const char *segmentation);

/* The port came with that tag for that network.  False when the network has another or the tag
 * is another network's (the first one has it), or is none of ours (the dead VLAN): there is
 * no hint of the port then. */
bool lvlans_hint(struct lvlans *, const char *port_id, const char *network_id,
                 const char *segmentation, int lvid);

/* The port is wired, or gone. */
void lvlans_unhint(struct lvlans *, const char *port_id);

/* The network has another segmentation id from now on, and its tag, holds and hints go along.
 * Returns the tag; 0: the old one is not known, or the new one has a tag already. */
int lvlans_move(struct lvlans *, const char *network_id, const char *old_segmentation,
                const char *new_segmentation);

size_t lvlans_n(const struct lvlans *); /* Tags that are taken or hinted. */
