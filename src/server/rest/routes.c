#include <config.h>

#include "server/rest/router.h"

#include "server/rest/compute/compute.h"
#include "server/rest/identity/identity.h"
#include "server/rest/image/image.h"

#define ADMIN ROUTE_ADMIN

const struct route rest_routes[] = {
    { SERVICE_ROOT, "GET", "", compute_root, 0 },
    { SERVICE_ROOT, "GET", "compute", compute_root, 0 },
    { SERVICE_ROOT, "GET", "v2", compute_version_20, 0 },
    { SERVICE_ROOT, "GET", "compute/v2", compute_version_20, 0 },

    { SERVICE_COMPUTE, "GET", "", compute_version_21, 0 },
    { SERVICE_COMPUTE, "GET", "servers", servers_list, 0 },
    { SERVICE_COMPUTE, "POST", "servers", servers_create, 0 },
    { SERVICE_COMPUTE, "GET", "servers/detail", servers_detail, 0 },
    { SERVICE_COMPUTE, "GET", "servers/{}", servers_show, 0 },
    { SERVICE_COMPUTE, "DELETE", "servers/{}", servers_delete, 0 },
    { SERVICE_COMPUTE, "POST", "servers/{}/action", servers_action, 0 },
    { SERVICE_COMPUTE, "GET", "servers/{}/os-security-groups", server_groups_list, 0 },
    { SERVICE_COMPUTE, "GET", "os-security-groups", security_groups_list, 0 },
    { SERVICE_COMPUTE, "POST", "os-security-groups", security_groups_create, 0 },
    { SERVICE_COMPUTE, "GET", "os-security-groups/{}", security_groups_show, 0 },
    { SERVICE_COMPUTE, "PUT", "os-security-groups/{}", security_groups_update, 0 },
    { SERVICE_COMPUTE, "DELETE", "os-security-groups/{}", security_groups_delete, 0 },
    { SERVICE_COMPUTE, "POST", "os-security-group-rules", security_rules_create, 0 },
    { SERVICE_COMPUTE, "DELETE", "os-security-group-rules/{}", security_rules_delete, 0 },
    { SERVICE_COMPUTE, "GET", "os-provider-rules", provider_rules_list, ADMIN },
    { SERVICE_COMPUTE, "POST", "os-provider-rules", provider_rules_create, ADMIN },
    { SERVICE_COMPUTE, "DELETE", "os-provider-rules/{}", provider_rules_delete, ADMIN },
    { SERVICE_COMPUTE, "GET", "os-floating-ips", floating_ips_list, 0 },
    { SERVICE_COMPUTE, "POST", "os-floating-ips", floating_ips_create_one, 0 },
    { SERVICE_COMPUTE, "GET", "os-floating-ips/{}", floating_ips_show, 0 },
    { SERVICE_COMPUTE, "DELETE", "os-floating-ips/{}", floating_ips_delete_one, 0 },
    { SERVICE_COMPUTE, "GET", "os-floating-ip-pools", floating_pools_list, 0 },
    { SERVICE_COMPUTE, "GET", "os-floating-ips-bulk", floating_bulk_list, ADMIN },
    { SERVICE_COMPUTE, "POST", "os-floating-ips-bulk", floating_bulk_create, ADMIN },
    { SERVICE_COMPUTE, "GET", "os-floating-ips-bulk/{}", floating_bulk_list, ADMIN },
    { SERVICE_COMPUTE, "PUT", "os-floating-ips-bulk/delete", floating_bulk_delete, ADMIN },
    { SERVICE_COMPUTE, "GET", "flavors", flavors_list, 0 },
    { SERVICE_COMPUTE, "GET", "flavors/detail", flavors_detail, 0 },
    { SERVICE_COMPUTE, "GET", "flavors/{}", flavors_show, 0 },
    { SERVICE_COMPUTE, "GET", "flavors/{}/os-extra_specs", flavors_extra_specs, 0 },
    { SERVICE_COMPUTE, "GET", "os-networks", networks_list, ADMIN },
    { SERVICE_COMPUTE, "POST", "os-networks", networks_create, ADMIN },
    { SERVICE_COMPUTE, "GET", "os-networks/{}", networks_show, ADMIN },
    { SERVICE_COMPUTE, "PUT", "os-networks/{}", networks_update, ADMIN },
    { SERVICE_COMPUTE, "DELETE", "os-networks/{}", networks_delete, ADMIN },
    { SERVICE_COMPUTE, "POST", "os-networks/{}/action", networks_action, ADMIN },
    { SERVICE_COMPUTE, "GET", "os-services", services_list, ADMIN },
    { SERVICE_COMPUTE, "GET", "os-fixed-ips", fixed_ips_list, ADMIN },
    { SERVICE_COMPUTE, "GET", "os-fixed-ips/{}", fixed_ips_show, ADMIN },
    { SERVICE_COMPUTE, "POST", "os-fixed-ips/{}/action", fixed_ips_action, ADMIN },

    { SERVICE_COMPUTE, "GET", "os-keypairs", keypairs_list, 0 },
    { SERVICE_COMPUTE, "POST", "os-keypairs", keypairs_create, 0 },
    { SERVICE_COMPUTE, "GET", "os-keypairs/{}", keypairs_show, 0 },
    { SERVICE_COMPUTE, "DELETE", "os-keypairs/{}", keypairs_delete, 0 },
    { SERVICE_COMPUTE, "GET", "servers/{}/os-server-password", server_password_show, 0 },
    { SERVICE_COMPUTE, "DELETE", "servers/{}/os-server-password", server_password_clear, 0 },

    { SERVICE_COMPUTE, "GET", "limits", limits_show, 0 },
    { SERVICE_COMPUTE, "GET", "os-quota-sets/{}", quotas_show, 0 },
    { SERVICE_COMPUTE, "GET", "os-quota-sets/{}/detail", quotas_detail, 0 },
    { SERVICE_COMPUTE, "GET", "os-quota-sets/{}/defaults", quotas_defaults, 0 },
    { SERVICE_COMPUTE, "PUT", "os-quota-sets/{}", quotas_update, ADMIN },
    { SERVICE_COMPUTE, "DELETE", "os-quota-sets/{}", quotas_delete, ADMIN },
    { SERVICE_COMPUTE, "GET", "os-quota-class-sets/{}", quota_class_show, ADMIN },

    /* Clients with one base URL look for images below it. */
    { SERVICE_COMPUTE, "GET", "v2/images", images_list, 0 },
    { SERVICE_COMPUTE, "GET", "v2/images/{}", images_show, 0 },
    { SERVICE_COMPUTE, "GET", "images", images_list, 0 },
    { SERVICE_COMPUTE, "GET", "images/{}", images_show, 0 },

    { SERVICE_IMAGE, "GET", "", image_versions, 0 },
    { SERVICE_IMAGE, "GET", "versions", image_versions_list, 0 },
    { SERVICE_IMAGE, "GET", "v2/images", images_list, 0 },
    { SERVICE_IMAGE, "GET", "v2/images/{}", images_show, 0 },

    /* All that is open: clients read the version document before they sign in, and
     * give up when it is refused. */
    { SERVICE_IDENTITY, "GET", "", identity_versions, ROUTE_OPEN },
    { SERVICE_IDENTITY, "GET", "v3", identity_version_3, ROUTE_OPEN },
    { SERVICE_IDENTITY, "POST", "v3/auth/tokens", tokens_create, ROUTE_OPEN },
    { 0 },
};
