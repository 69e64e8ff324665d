/*
 * A server that serves each client in a thread of its own.
 *
 *   threads SERVICE ROUNDS [USER ANSWER RESULT]...
 *
 * In each round one thread for each USER logs in, all at the same time, and ends. Every login must return its RESULT,
 * see pam(3), and no thread may have another identity or signal mask afterwards. Exit code 0 if so.
 */
#include "login.h"
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/fsuid.h>

static const char *service;

static void *serve(void *client)
{
    char **words = client;
    sigset_t before, after;
    memset(&before, 0, sizeof before); /* the kernel fills in less than the type holds */
    memset(&after, 0, sizeof after);
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    int result = finish(begin(service, words[0], words[1]));
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    if (result != atoi(words[2]))
        fprintf(stderr, "%s: %d instead of %s\n", words[0], result, words[2]);
    else if (setfsuid(-1) != (int)geteuid() || setfsgid(-1) != (int)getegid())
        fprintf(stderr, "%s: another identity is left\n", words[0]);
    else if (memcmp(&before, &after, sizeof before))
        fprintf(stderr, "%s: another signal mask is left\n", words[0]);
    else
        return NULL;
    return client;
}

int main(int argc, char **argv)
{
    if (argc < 6 || argc % 3)
        return 2;
    service = argv[1];
    int clients = (argc - 3) / 3, failed = 0;
    pthread_t threads[clients];
    for (int round = 0; round < atoi(argv[2]) && !failed; round++) {
        for (int i = 0; i < clients; i++)
            if (pthread_create(&threads[i], NULL, serve, argv + 3 + 3 * i))
                return 2;
        for (int i = 0; i < clients; i++) {
            void *fault;
            pthread_join(threads[i], &fault);
            failed |= fault != NULL;
        }
    }
    return failed;
}
