/*
 * A PAM module for what an application may not do: set PAM_AUTHTOK, and see it.
 *
 *   auth optional token.so set=HEX      what an earlier module asked for
 *   auth optional token.so show         tells the person "token HEX" or "no token"
 */
#include <security/pam_ext.h>
#include <security/pam_modules.h>
#include <stdio.h>
#include <string.h>

static void set(pam_handle_t *pam, const char *digits)
{
    char token[PAM_MAX_RESP_SIZE] = "";
    unsigned byte;
    for (size_t i = 0; i + 1 < sizeof token && sscanf(digits + 2 * i, "%2x", &byte) == 1; i++)
        token[i] = (char)byte;
    pam_set_item(pam, PAM_AUTHTOK, token);
}

static void show(pam_handle_t *pam)
{
    const void *token = NULL;
    char digits[2 * PAM_MAX_RESP_SIZE + 1] = "";
    pam_get_item(pam, PAM_AUTHTOK, &token);
    for (size_t i = 0; token && i < PAM_MAX_RESP_SIZE && ((const char *)token)[i]; i++)
        sprintf(digits + 2 * i, "%02x", ((const unsigned char *)token)[i]);
    if (token)
        pam_info(pam, "token %s", digits);
    else
        pam_info(pam, "no token");
}

int pam_sm_authenticate(pam_handle_t *pam, int flags, int argc, const char **argv)
{
    (void)flags;
    if (argc == 1 && !strncmp(argv[0], "set=", 4))
        set(pam, argv[0] + 4);
    else
        show(pam);
    return PAM_IGNORE;
}

int pam_sm_setcred(pam_handle_t *pam, int flags, int argc, const char **argv)
{
    (void)pam, (void)flags, (void)argc, (void)argv;
    return PAM_IGNORE;
}
