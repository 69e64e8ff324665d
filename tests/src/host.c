/*
 * A PAM application that answers as no polite one would, and looks whether the module left its process as it was.
 *
 *   host SERVICE USER ANSWER...
 *
 * ANSWERs, one a prompt: "text:STRING", "hex:BYTES", "long:COUNT" (that many letters), "null" (a response without
 * text), "none" (success without a response), "error" (the conversation fails), "app" (the code of the secret that a
 * message showed last behind "Key: ", by oathtool). The last is given again to every further prompt. On standard
 * output: a line for each "prompt", followed by "echo on" or "echo off", and for each "message", and for all that can
 * be said of the process "before" and "after"; last "grown KIB", by how much more memory it held than before, and
 * "result NUMBER". What the environment variable SOUGHT names, bytes in hexadecimal with commas between, is looked for
 * in the process's memory at every prompt and at the end: a "found" line for each. "shown" is the secret that was shown
 * last, "key" the same without its blanks.
 * THEN is what follows a success, in words with blanks between: "account" calls pam_acct_mgmt and prints "account
 * NUMBER", "session" calls pam_open_session and prints "session NUMBER", "user=NAME" changes who logs in, "fork" goes on
 * in a child that alone says more, "until=PATH" waits until there is such a file. Where there is UNASKED nobody is
 * authenticated, and they follow at once, as with cron.
 * RHOST is where the login comes from. Where there is NOW, the time stands still at that second. CHILDREN says what
 * becomes of SIGCHLD: "ignored", or "counted" by a handler.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <security/pam_appl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static char **answers;
static volatile sig_atomic_t ended; /* how often somebody said that a child of ours has */
static char shown[128]; /* the secret that was shown last, in groups with blanks between */

/* The module's clock: it finds these before libc's. Only the time of day stands still; waiting takes what it takes. */
int clock_gettime(clockid_t clock, struct timespec *is)
{
    const char *now = getenv("NOW");
    if (!now || clock != CLOCK_REALTIME)
        return (int)syscall(SYS_clock_gettime, clock, is);
    *is = (struct timespec){.tv_sec = atoll(now)};
    return 0;
}

time_t time(time_t *is)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (is)
        *is = now.tv_sec;
    return now.tv_sec;
}

static void see(const char *message)
{
    const char *key = strstr(message, "Key: ");
    if (key)
        snprintf(shown, sizeof shown, "%.*s", (int)strcspn(key + 5, "\n"), key + 5);
}

static char *app(void)
{
    char command[256], *code = calloc(1, 16);
    const char *now = getenv("NOW");
    snprintf(command, sizeof command, "oathtool --totp --base32 --now=@%s '%s'", now ? now : "$(date +%s)", shown);
    FILE *oathtool = popen(command, "re");
    if (fgets(code, 16, oathtool))
        code[strcspn(code, "\n")] = '\0';
    pclose(oathtool);
    return code;
}

static char *answer(const char *said)
{
    if (!strcmp(said, "app"))
        return app();
    if (!strncmp(said, "text:", 5))
        return strdup(said + 5);
    if (!strncmp(said, "long:", 5)) {
        size_t length = strtoul(said + 5, NULL, 10);
        char *reply = malloc(length + 1);
        memset(reply, 'a', length);
        reply[length] = '\0';
        return reply;
    }
    said += 4; /* hex: */
    char *reply = calloc(1, strlen(said) / 2 + 1);
    for (size_t i = 0; said[2 * i] && said[2 * i + 1]; i++) {
        unsigned byte;
        sscanf(said + 2 * i, "%2x", &byte);
        reply[i] = (char)byte;
    }
    return reply;
}

static int hex(const char *digits)
{
    unsigned byte;
    return sscanf(digits, "%2x", &byte) == 1 ? (int)byte : -1;
}

/* Compares with the digits, so that nothing here holds the bytes themselves. */
static int holds(const unsigned char *memory, const unsigned char *end, const char *digits, size_t length)
{
    int first = hex(digits);
    for (; memory + length <= end; memory++) {
        size_t same = 0;
        while (same < length && memory[same] == (same ? hex(digits + 2 * same) : first))
            same++;
        if (same == length)
            return 1;
    }
    return 0;
}

static void look(void)
{
    const char *sought = getenv("SOUGHT");
    char line[512], access[5], digits[2 * sizeof shown];
    void *start, *end;
    for (; sought && *sought; sought += strcspn(sought, ","), sought += *sought == ',') {
        size_t length = strcspn(sought, ",") / 2;
        const char *bytes = sought;
        if (!strncmp(sought, "shown", 5) || !strncmp(sought, "key", 3)) {
            length = 0;
            for (const char *symbol = shown; *symbol; symbol++)
                if (*symbol != ' ' || *sought == 's')
                    sprintf(digits + 2 * length++, "%02x", (unsigned char)*symbol);
            bytes = digits;
        }
        if (!length)
            continue;
        FILE *maps = fopen("/proc/self/maps", "re");
        while (fgets(line, sizeof line, maps))
            if (sscanf(line, "%p-%p %4s", &start, &end, access) == 3 && !strncmp(access, "rw", 2) &&
                holds(start, end, bytes, length))
                printf("found %.*s in %s", (int)strcspn(sought, ","), sought, line);
        fclose(maps);
    }
}

static int converse(int count, const struct pam_message **messages, struct pam_response **replies, void *data)
{
    (void)data;
    struct pam_response *given = calloc((size_t)count, sizeof *given);
    for (int i = 0; i < count; i++) {
        int style = messages[i]->msg_style;
        int asked = style == PAM_PROMPT_ECHO_OFF || style == PAM_PROMPT_ECHO_ON;
        printf("%s %s\n", asked ? "prompt" : "message", messages[i]->msg);
        see(messages[i]->msg);
        if (!asked)
            continue;
        printf("echo %s\n", style == PAM_PROMPT_ECHO_ON ? "on" : "off");
        look();
        const char *said = *answers;
        if (answers[1])
            answers++;
        if (!strcmp(said, "error") || !strcmp(said, "none")) {
            free(given);
            *replies = NULL;
            return strcmp(said, "none") ? PAM_CONV_ERR : PAM_SUCCESS;
        }
        if (strcmp(said, "null"))
            given[i].resp = answer(said);
    }
    *replies = given;
    return PAM_SUCCESS;
}

/* The most memory that the process has held at once so far, in KiB. */
static long peak(void)
{
    char line[512];
    long size = 0;
    FILE *status = fopen("/proc/self/status", "re");
    while (fgets(line, sizeof line, status))
        sscanf(line, "VmHWM: %ld", &size);
    fclose(status);
    return size;
}

static void count(int signal)
{
    (void)signal;
    ended++;
}

/*
 * Prints what a module must leave as it found it: identity, signals, umask, directory, descriptors, environment, and that
 * no child is there for waitpid(-1), of any kind.
 */
static void portray(const char *when)
{
    char line[512], to[512];
    int alone = waitpid(-1, NULL, WNOHANG | __WALL) < 0 && errno == ECHILD;
    printf("%s children %s, %d ended\n", when, alone ? "none" : "some", (int)ended);
    FILE *status = fopen("/proc/self/status", "re");
    while (fgets(line, sizeof line, status))
        if (!strncmp(line, "Uid", 3) || !strncmp(line, "Gid", 3) || !strncmp(line, "Groups", 6) ||
            !strncmp(line, "Umask", 5) || !strncmp(line, "SigBlk", 6) || !strncmp(line, "SigIgn", 6) ||
            !strncmp(line, "SigCgt", 6) || !strncmp(line, "Threads", 7))
            printf("%s %s", when, line);
    fclose(status);
    DIR *descriptors = opendir("/proc/self/fd");
    for (struct dirent *entry; (entry = readdir(descriptors));) {
        ssize_t length = readlinkat(dirfd(descriptors), entry->d_name, to, sizeof to - 1);
        if (length >= 0 && atoi(entry->d_name) != dirfd(descriptors))
            printf("%s descriptor %s %.*s\n", when, entry->d_name, (int)length, to);
    }
    closedir(descriptors);
    for (char **variable = environ; *variable; variable++)
        printf("%s environment %s\n", when, *variable);
    if (getcwd(to, sizeof to))
        printf("%s directory %s\n", when, to);
}

/* The child goes on; the parent waits, ends the login as well, and says nothing. */
static int go_on_in_a_child(pam_handle_t *pam)
{
    int status = 0;
    fflush(stdout);
    pid_t child = fork();
    if (child <= 0)
        return child < 0 ? PAM_SYSTEM_ERR : PAM_SUCCESS;
    waitpid(child, &status, 0);
    pam_end(pam, PAM_SUCCESS);
    _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 2);
}

/* What follows a success; the result of the last step. */
static int go_on(pam_handle_t *pam)
{
    int result = PAM_SUCCESS;
    char *steps = strdup(getenv("THEN") ? getenv("THEN") : "");
    for (char *step = strtok(steps, " "); step; step = strtok(NULL, " ")) {
        if (!strcmp(step, "fork"))
            result = go_on_in_a_child(pam);
        else if (!strncmp(step, "user=", 5))
            result = pam_set_item(pam, PAM_USER, step + 5);
        else if (!strncmp(step, "until=", 6))
            while (access(step + 6, F_OK))
                usleep(1000);
        else if (!strcmp(step, "account"))
            printf("account %d\n", result = pam_acct_mgmt(pam, 0));
        else if (!strcmp(step, "session"))
            printf("session %d\n", result = pam_open_session(pam, 0));
    }
    free(steps);
    return result;
}

int main(int argc, char **argv)
{
    if (argc < 4)
        return 2;
    answers = argv + 3;
    const char *children = getenv("CHILDREN");
    if (children)
        signal(SIGCHLD, strcmp(children, "counted") ? SIG_IGN : count);
    setvbuf(stdout, NULL, _IOFBF, 1 << 16);
    struct pam_conv conversation = {converse, NULL};
    pam_handle_t *pam = NULL;
    if (pam_start(argv[1], argv[2], &conversation, &pam) != PAM_SUCCESS)
        return 2;
    if (getenv("RHOST"))
        pam_set_item(pam, PAM_RHOST, getenv("RHOST"));
    /* Servers hold their connection to the log already; a module neither opens a second one nor closes theirs. */
    openlog("host", LOG_PID | LOG_NDELAY, LOG_AUTHPRIV);
    portray("before");
    long size = peak();
    int result = getenv("UNASKED") ? PAM_SUCCESS : pam_authenticate(pam, 0);
    int end = result == PAM_SUCCESS ? go_on(pam) : result;
    portray("after");
    look();
    printf("grown %ld\n", peak() - size);
    printf("result %d\n", result);
    pam_end(pam, end);
    return end == PAM_SUCCESS ? 0 : 1;
}
