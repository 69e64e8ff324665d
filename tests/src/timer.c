/*
 * How long things take, one after the other in every round, so that all of them meet the same noise.
 *
 *   timer ROUNDS WORK...
 *
 * WORK is one of
 *   inside:SERVICE:USER:RESULT:ANSWERS   a login in this process, which has seen such logins before
 *   there:ROOT:SERVICE:USER:...          the same with ROOT as the root directory
 *   fresh:SERVICE:USER:RESULT:ANSWERS    a process of its own for one login, from its start to its end
 *   load:FILE                            dlopen in a process that has not loaded FILE
 *   sync:DIRECTORY                       making a rename in DIRECTORY durable
 * ANSWERS, with commas between, are given in turn, the last one again and again; a login must return RESULT. On
 * standard output a line for each round: nanoseconds, for each WORK in turn.
 */
#include "login.h"
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <time.h>

static void fail(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    _exit(2);
}

static long long now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static long long login(char *work)
{
    char *service = strtok(work, ":"), *user = strtok(NULL, ":"), *result = strtok(NULL, ":"),
         *answer = strtok(NULL, ":");
    long long start = now();
    int seen = finish(begin(service, user, answer));
    long long took = now() - start;
    if (seen != atoi(result)) {
        fprintf(stderr, "%s: %d instead of %s\n", service, seen, result);
        _exit(2);
    }
    return took;
}

static long long login_there(char *work)
{
    char *root = strsep(&work, ":");
    int here = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (here < 0 || chroot(root))
        fail(root);
    long long took = login(work);
    if (fchdir(here) || chroot(".") || close(here))
        fail("/");
    return took;
}

static long long load(char *file)
{
    long long start = now();
    void *module = dlopen(file, RTLD_NOW);
    long long took = now() - start;
    if (!module)
        fail(dlerror());
    return took;
}

static long long sync_rename(char *directory)
{
    char from[4096], to[4096];
    snprintf(from, sizeof from, "%s/from", directory);
    snprintf(to, sizeof to, "%s/to", directory);
    int file = open(from, O_WRONLY | O_CREAT | O_EXCL, 0400);
    if (file < 0 || write(file, "rename", 6) != 6 || fsync(file) || close(file) || rename(from, to))
        fail(directory);
    long long start = now();
    int opened = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (opened < 0 || fsync(opened))
        fail(directory);
    close(opened);
    return now() - start;
}

/* How long a process of its own takes for a login, from its start to its end. */
static long long fresh_login(char *work)
{
    int status;
    long long start = now();
    if (!fork()) {
        login(work);
        _exit(0);
    }
    if (wait(&status) < 0 || status)
        fail("a process");
    return now() - start;
}

/* What loading `file` takes in a process that has not. */
static long long fresh_load(char *file)
{
    int result[2], status;
    long long took = 0;
    if (pipe2(result, O_CLOEXEC))
        fail("pipe");
    if (!fork()) {
        took = load(file);
        _exit(write(result[1], &took, sizeof took) == sizeof took ? 0 : 2);
    }
    close(result[1]);
    if (read(result[0], &took, sizeof took) != sizeof took || wait(&status) < 0 || status)
        fail("a process");
    close(result[0]);
    return took;
}

/* The login of this round: the first of the answers that are left, which goes unless it is the last. */
static char *turn(char *login)
{
    char *answers = strrchr(login, ':') + 1, *rest = strchr(answers, ','), *this = strdup(login);
    if (rest) {
        this[rest - login] = '\0';
        memmove(answers, rest + 1, strlen(rest));
    }
    return this;
}

int main(int argc, char **argv)
{
    long long took[argc];
    for (int round = 0; argc > 2 && round < atoi(argv[1]); round++) {
        for (int turn_of = 0; turn_of < argc - 2; turn_of++) {
            int i = 2 + (turn_of + round) % (argc - 2); /* nobody always comes after the same other */
            char *argument = strchr(argv[i], ':') + 1;
            int fresh = !strncmp(argv[i], "fresh", 5), there = !strncmp(argv[i], "there", 5);
            if (fresh || there || !strncmp(argv[i], "inside", 6)) {
                char *this = turn(argument);
                took[i] = fresh ? fresh_login(this) : there ? login_there(this) : login(this);
                free(this);
            } else if (!strncmp(argv[i], "load", 4)) {
                took[i] = fresh_load(argument);
            } else if (!strncmp(argv[i], "sync", 4)) {
                took[i] = sync_rename(argument);
            } else {
                fail(argv[i]);
            }
        }
        for (int i = 2; i < argc; i++)
            printf("%lld ", took[i]);
        printf("\n");
    }
    return 0;
}
