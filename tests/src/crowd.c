/*
 * Many logins at one moment: a process for each, all of them ready, released at once.
 *
 *   crowd SERVICE USER ANSWER...
 *
 * Each process gives one of the ANSWERs. On standard output: the number of those let in.
 */
#include "login.h"
#include <sys/wait.h>

int main(int argc, char **argv)
{
    int ready[2], barrier[2], status, accepted = 0;
    char byte = 0;
    if (argc < 4 || pipe(ready) || pipe(barrier))
        return 2;
    for (int i = 3; i < argc; i++) {
        pid_t child = fork();
        if (child < 0)
            return 2;
        if (child)
            continue;
        close(barrier[1]);
        pam_handle_t *pam = begin(argv[1], argv[2], argv[i]);
        if (write(ready[1], &byte, 1) != 1 || read(barrier[0], &byte, 1))
            _exit(2);
        _exit(finish(pam) == PAM_SUCCESS ? 0 : 1);
    }
    close(ready[1]);
    for (int i = 3; i < argc; i++)
        if (read(ready[0], &byte, 1) != 1)
            return 2;
    close(barrier[1]); /* every process that waits reads the end at once */
    while (wait(&status) > 0) {
        if (!WIFEXITED(status) || WEXITSTATUS(status) > 1)
            return 2;
        accepted += WEXITSTATUS(status) == 0;
    }
    printf("%d\n", accepted);
    return 0;
}
