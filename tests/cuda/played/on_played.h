/* For tests on a CUDA device, played or not. */
#ifndef TEST_ON_PLAYED_H
#define TEST_ON_PLAYED_H

#include <trireme/trireme.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <sys/wait.h>
#include "played_in_test.h"
#include "test.h"

BEFORE_ALL
{
    if (tr_cuda_is_available()) return find_played();
    print_message("skipped: no CUDA device: %s\n", tr_cuda_missing());
    return TEST_SKIPPED;
}

/* In a child, after which the device is what it was; the child's status. */
static inline int in_a_child(int (*does)(void))
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) _exit(does());
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

#endif
