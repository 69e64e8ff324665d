/* A PAM login that gives one answer to every prompt and hears no message. */
#define _GNU_SOURCE
#include <security/pam_appl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int converse(int count, const struct pam_message **messages, struct pam_response **replies, void *answer)
{
    *replies = calloc((size_t)count, sizeof **replies);
    for (int i = 0; i < count; i++)
        if (messages[i]->msg_style == PAM_PROMPT_ECHO_OFF || messages[i]->msg_style == PAM_PROMPT_ECHO_ON)
            (*replies)[i].resp = strdup(answer);
    return PAM_SUCCESS;
}

/* Reads the stack and loads its modules. */
static pam_handle_t *begin(const char *service, const char *user, char *answer)
{
    struct pam_conv conversation = {converse, answer};
    pam_handle_t *pam = NULL;
    if (pam_start(service, user, &conversation, &pam) != PAM_SUCCESS) {
        fprintf(stderr, "pam_start failed for %s\n", service);
        _exit(2);
    }
    return pam;
}

/* What pam_authenticate returns; the rest of the login is done and over. */
static int finish(pam_handle_t *pam)
{
    int result = pam_authenticate(pam, 0);
    pam_end(pam, result);
    return result;
}
