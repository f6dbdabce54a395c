#include <config.h>

#include "server/images.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>

#include "base/config.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "server/core/images.h"

NT_LOG_MODULE(images);

static const struct nt_option options[] = {
    { "name", NT_OPT_STRING, "", "" },
    { "id", NT_OPT_STRING, "", "" },
    { "location", NT_OPT_STRING, "", "" },
    { "kernel", NT_OPT_STRING, "", "" },
    { "ramdisk", NT_OPT_STRING, "", "" },
    { "os_command_line", NT_OPT_STRING, "", "" },
    { "disk_format", NT_OPT_STRING, "raw", "" },
    { "container_format", NT_OPT_STRING, "bare", "" },
    { "min_ram", NT_OPT_INT, "0", "", 0, 1 << 30 },
    { "min_disk", NT_OPT_INT, "0", "", 0, 1 << 30 },
    { 0 },
};

struct put {
    const struct core_env *env;
    struct nt_image image;
};

static int
op_put(struct store *store, void *put_, struct changes *out OVS_UNUSED, struct nt_err *err)
{
    struct put *put = put_;

    return image_put(store, put->env, &put->image, err);
}

static int
read_image(const char *path, struct nt_image *image, struct nt_err *err)
{
    AUTO(nt_config) config = nt_config_new(options);

    nt_config_use_section(config, "image");
    if (nt_config_read(config, path, err) < 0 || nt_config_finish(config, err) < 0) {
        return -1;
    }

    const char *id = nt_config_str(config, "id");
    if (*id && !nt_is_uuid(id)) {
        return nt_fail(err, NT_INVALID, "%s: id is not a UUID", path);
    }
    if (!*nt_config_str(config, "name")
        || (!*nt_config_str(config, "location") && !*nt_config_str(config, "kernel"))) {
        return nt_fail(err, NT_INVALID, "%s: name and location (or kernel) are needed", path);
    }
    ovs_strlcpy(image->id, id, sizeof image->id);
    ovs_strlcpy(image->name, nt_config_str(config, "name"), sizeof image->name);
    ovs_strlcpy(image->location, nt_config_str(config, "location"), sizeof image->location);
    ovs_strlcpy(image->kernel, nt_config_str(config, "kernel"), sizeof image->kernel);
    ovs_strlcpy(image->ramdisk, nt_config_str(config, "ramdisk"), sizeof image->ramdisk);
    ovs_strlcpy(image->os_command_line, nt_config_str(config, "os_command_line"),
                sizeof image->os_command_line);
    ovs_strlcpy(image->status, "active", sizeof image->status);
    ovs_strlcpy(image->disk_format, nt_config_str(config, "disk_format"),
                sizeof image->disk_format);
    ovs_strlcpy(image->container_format, nt_config_str(config, "container_format"),
                sizeof image->container_format);
    image->min_ram_mb = nt_config_int(config, "min_ram");
    image->min_disk_gb = nt_config_int(config, "min_disk");
    return 0;
}

static void
put_done(void *path_, const struct nt_err *err)
{
    char *path = path_;

    if (err) {
        nt_error("image not registered", "file", path, "why", err->msg, NULL);
    }
    free(path);
}

int
images_register(struct op_queue *ops, const struct core_env *env, const char *directory,
                struct nt_err *err)
{
    DIR *dir = opendir(directory);

    if (!dir) {
        return nt_fail_errno(err, errno, "cannot read image directory %s", directory);
    }
    for (struct dirent *e; (e = readdir(dir));) {
        const char *dot = strrchr(e->d_name, '.');
        AUTO_FREE char *path = nt_path_join(directory, e->d_name);
        struct put put = { .env = env };
        struct nt_err own = { 0 };

        if (!dot || strcmp(dot, ".image")) {
            continue;
        }
        if (read_image(path, &put.image, &own) < 0) {
            nt_error("image left out", "why", own.msg, NULL);
        } else {
            op_submit(ops, op_put, &put, put_done, xstrdup(path));
        }
    }
    closedir(dir);
    op_queue_run(ops);
    return 0;
}
