/*
 * A user database that folds case, as directories do: whoever asks for Alice is told of alice, in /etc/passwd.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <nss.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

enum nss_status _nss_fold_getpwnam_r(const char *name, struct passwd *entry, char *buffer, size_t size, int *errnop)
{
    char folded[256];
    struct passwd *found = NULL;
    size_t length = strlen(name);
    if (length >= sizeof folded)
        return NSS_STATUS_NOTFOUND;
    for (size_t i = 0; i <= length; i++)
        folded[i] = (char)tolower((unsigned char)name[i]);
    FILE *file = fopen("/etc/passwd", "re");
    if (!file) {
        *errnop = errno;
        return NSS_STATUS_UNAVAIL;
    }
    while (!(*errnop = fgetpwent_r(file, entry, buffer, size, &found)) && strcmp(entry->pw_name, folded))
        found = NULL;
    fclose(file);
    if (found)
        return NSS_STATUS_SUCCESS;
    return *errnop == ERANGE ? NSS_STATUS_TRYAGAIN : NSS_STATUS_NOTFOUND;
}
