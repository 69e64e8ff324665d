/*
 * What loading a file costs this process: kilobytes that it shares with nobody.
 *
 *   footprint FILE
 */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

/* The sum over all mappings, proc_pid_smaps_rollup(5). */
static long private_dirty(void)
{
    char line[256];
    long kilobytes = -1;
    FILE *rollup = fopen("/proc/self/smaps_rollup", "re");
    while (rollup && fgets(line, sizeof line, rollup))
        if (sscanf(line, "Private_Dirty: %ld kB", &kilobytes) == 1)
            break;
    if (rollup)
        fclose(rollup);
    return kilobytes;
}

int main(int argc, char **argv)
{
    private_dirty(); /* what looking costs is paid before */
    long before = private_dirty();
    if (argc != 2)
        return 2;
    if (before < 0 || !dlopen(argv[1], RTLD_NOW)) {
        fprintf(stderr, "%s\n", before < 0 ? "no /proc/self/smaps_rollup" : dlerror());
        return 2;
    }
    printf("%ld\n", private_dirty() - before);
    return 0;
}
