// CTEST LIBRARIES trireme_dist_internal RANKS 1 2 3 4 8
/* The transports between real ranks: MPI alone, in pieces; the window of a host, and one so small that everything goes
 * through it in chunks; windows of several hosts, which are this one's ranks in twos. */
#include "test.h"

#include "dist/window.h"
#include "transport_checks.h"

#if __has_include(<mpi.h>)
# include <mpi.h>
#endif

static const struct {
    const char *transport, *window, *host_ranks, *piece;
    bool in_order; /* sums are added rank after rank */
} settings[] = {
    {"mpi", NULL, NULL, NULL, false},
    {"mpi", NULL, NULL, "700", false},
    {"shared", NULL, NULL, NULL, true},
    {"shared", "4096", NULL, NULL, true},
    {"shared", "4096", "2", "1000", false},
    {"shared", NULL, "3", NULL, false}, /* the last host has fewer */
};
enum { SETTINGS = sizeof settings / sizeof *settings };

static void say(const char *name, const char *value)
{
    if (value)
        setenv(name, value, 1);
    else
        unsetenv(name);
}

static int check_all(dist_transport *way, bool in_order)
{
    int bad = check_every_collective(way);
    for (int64_t n = 1; n < 20000 && !bad; n *= 19) bad += check_started(way, n) + check_bits(way, n, in_order);
    bad += check_taken(way, 1) + check_taken(way, 5000) + check_weighted(way, 5000, 0.25) + check_weighted(way, 3, 1.0 / 3);
    return bad ? bad : check_taken_parts(way, 1) + check_taken_parts(way, 5000);
}

#if __has_include(<mpi.h>)

BEFORE_ALL
{
    return MPI_Init(argc, argv);
}
AFTER_ALL { return MPI_Finalize(); }

TEST(every_transport_does_everything)
{
    MPI_Comm comm = MPI_COMM_WORLD;
    for (int i = 0; i < SETTINGS; i++) {
        say("TRIREME_TRANSPORT", settings[i].transport);
        say("TRIREME_WINDOW", settings[i].window);
        say("TRIREME_HOST_RANKS", settings[i].host_ranks);
        say("TRIREME_MPI_PIECE", settings[i].piece);
        dist_transport *mpi = dist_mpi_join(&comm), *way = mpi ? dist_choose(mpi) : NULL;
        if (!way) {
            fail_msg("%s", tr_error_message());
            return;
        }
        bool shared = strcmp(settings[i].transport, "shared") == 0 && way->world > 1;
        assert_int_equal(strncmp(way->name, "shared memory", 13) == 0, shared);
        assert_int_equal(check_all(way, settings[i].in_order), 0);
        assert_int_equal(way->finish(way), 0);
    }
}

TEST(the_choice_is_refused_where_it_is_none)
{
    MPI_Comm comm = MPI_COMM_WORLD;
    setenv("TRIREME_TRANSPORT", "pigeons", 1);
    dist_transport *mpi = dist_mpi_join(&comm);
    assert_non_null(mpi);
    assert_null(dist_choose(mpi));
    assert_error_says("TRIREME_TRANSPORT=pigeons: expected auto, shared or mpi");
    unsetenv("TRIREME_TRANSPORT");
}

#else

TEST(one_rank_does_everything_alone)
{
    (void)settings;
    (void)say;
    assert_int_equal(check_all(dist_alone(), true), 0);
}

#endif
