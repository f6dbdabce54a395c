/* Tunnels of the model, and what is behind them.
 *
 * A network's forwarding entries are kept while it has a port here; a MAC is behind one tunnel
 * at a time, an address belongs to one MAC, and whoever was told last is right. */
#pragma once

#include "agent/model/model.h"

struct model_tunnel *model_tunnel_find(const struct model *, const char *type, const char *ip);
struct model_tunnel *model_tunnel_add(struct model *, const char *type, const char *ip,
                                      const char *name);
/* Names are short, so two tunnels may want the same one: the first has it, the other none until
 * it is free.  True: it is this tunnel's. */
bool model_tunnel_take_name(struct model *, struct model_tunnel *);
bool model_tunnel_has_name(const struct model *, const struct model_tunnel *);
void model_tunnel_rename(struct model *, struct model_tunnel *, const char *name);
bool model_tunnel_is_used(const struct model_tunnel *);
void model_tunnel_remove(struct model *, struct model_tunnel *); /* Unused. */

/* Each confirms what is there already; what is new or different is dirty. */
void model_flood_add(struct model *, struct model_network *, struct model_tunnel *);
void model_flood_remove(struct model *, struct model_network *, struct model_tunnel *);
void model_entry_add(struct model *, struct model_network *, struct model_tunnel *, const char *mac,
                     const char *ip);
/* Nothing happens when the MAC is behind another tunnel by now. */
void model_entry_remove(struct model *, struct model_network *, struct model_tunnel *,
                        const char *mac, const char *ip, const struct model_gone *);

/* What was there before is not confirmed any more; what is still not, is swept. */
void model_network_doubt(struct model_network *);
void model_network_sweep(struct model *, struct model_network *, const struct model_gone *);

/* All of a network's entries go. */
void model_network_clear(struct model *, struct model_network *, const struct model_gone *);
