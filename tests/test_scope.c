/* Scopes free what is made: by their end, break, continue and return; tr_keep and tr_pass_up hold things beyond. */
#include <pthread.h>
#include <trireme/autograd.h>
#include "core/object.h"
#include "test.h"

static int released;
static void release(void *data)
{
    released++;
    *(float *)data = -1;
}

static float memory[8];

/* A tensor whose end is counted. */
static tr_tensor *watched(int i)
{
    memory[i] = (float)i;
    return tr_from_blob(&memory[i], TR_FLOAT32, TR_SHAPE(), NULL, release);
}

TEST(a_block_frees_what_it_made_at_its_end)
{
    released = 0;
    int depth = tr_scope_depth();
    {
        TR_SCOPE;
        assert_int_equal(tr_scope_depth(), depth + 1);
        watched(1), watched(2);
        assert_int_equal(released, 0);
    }
    assert_int_equal(released, 2);
    assert_int_equal(tr_scope_depth(), depth);
}

static tr_tensor *leave_by_return(bool with_it)
{
    TR_SCOPE;
    tr_tensor *y = watched(0);
    watched(1);
    if (with_it) return tr_pass_up(y);
    return NULL;
}

TEST(break_continue_and_return_close_their_scopes)
{
    released = 0;
    int depth = tr_scope_depth();
    for (int i = 0; i < 5; i++) {
        TR_SCOPE;
        watched(i);
        if (i == 1) continue;
        if (i == 3) break;
        TR_SCOPE; /* a second one in the same block */
        watched(i);
    }
    assert_int_equal(released, 4 + 2);
    assert_null(leave_by_return(false));
    assert_int_equal(released, 8);
    assert_int_equal(tr_scope_depth(), depth);
}

TEST(what_is_passed_up_lives_in_the_scope_around)
{
    released = 0;
    {
        TR_SCOPE;
        tr_tensor *y = leave_by_return(true);
        assert_int_equal(released, 1);
        assert_item(y, 0, 0);
        {
            TR_SCOPE;
            assert_ptr_equal(tr_pass_up(y), y); /* is not of this scope: stays where it is */
        }
        assert_item(y, 0, 0);
    }
    assert_int_equal(released, 2);
    assert_null(tr_pass_up(NULL));
}

TEST(passing_up_reaches_one_scope_at_a_time)
{
    released = 0;
    tr_tensor *y;
    {
        TR_SCOPE;
        {
            TR_SCOPE;
            y = watched(1);
            watched(2), watched(3);
            tr_pass_up(y);
        }
        assert_int_equal(released, 2);
        watched(4);
        tr_pass_up(y);
    }
    assert_int_equal(released, 3);
    assert_item(y, 1, 0);
}

TEST(what_is_kept_lives_until_it_is_dropped_as_often)
{
    released = 0;
    tr_tensor *y;
    {
        TR_SCOPE;
        y = tr_keep(tr_keep(watched(5)));
    }
    assert_int_equal(released, 0);
    assert_item(y, 5, 0);
    tr_drop(y);
    assert_int_equal(released, 0);
    tr_drop(y);
    assert_int_equal(released, 1);
    assert_null(tr_keep(NULL));
    tr_drop(NULL);
    assert_false(tr_error_stands());
}

TEST(foreign_memory_is_released_once_after_its_last_view)
{
    released = 0;
    tr_tensor *view;
    {
        TR_SCOPE;
        tr_tensor *t = tr_from_blob(memory, TR_FLOAT32, TR_SHAPE(2, 2), NULL, release);
        view = tr_keep(tr_select(tr_t(t), 0, 1));
    }
    assert_int_equal(released, 0);
    memory[3] = 7;
    assert_close(view, row(memory[1], 7), 0);
    tr_drop(view);
    assert_int_equal(released, 1);
}

TEST(foreign_memory_that_was_refused_stays_the_callers)
{
    released = 0;
    assert_null(tr_from_blob(memory, TR_DTYPES, TR_SHAPE(2), NULL, release));
    assert_error_says("tr_from_blob");
    assert_null(tr_from_blob(memory, TR_FLOAT32, TR_SHAPE(-2), NULL, release));
    assert_error_says("negative size");
    assert_null(tr_from_blob(NULL, TR_FLOAT32, TR_SHAPE(2), NULL, release));
    assert_error_says("data is NULL");
    assert_int_equal(released, 0);
}

TEST(closing_an_outer_scope_closes_those_inside)
{
    released = 0;
    int depth = tr_scope_open();
    watched(1);
    tr_scope_open();
    watched(2);
    tr_scope_open();
    watched(3);
    tr_scope_close(depth);
    assert_int_equal(released, 3);
    assert_int_equal(tr_scope_depth(), depth);
    tr_scope_close(depth); /* no such scope any more: nothing happens */
    tr_scope_close(-1);
    tr_scope_close(1000);
    assert_int_equal(tr_scope_depth(), depth);
}

static int deep(int levels)
{
    TR_SCOPE;
    watched(levels % 8);
    return levels ? deep(levels - 1) : tr_scope_depth();
}

TEST(scopes_nest_deeply)
{
    released = 0;
    int depth = tr_scope_depth();
    assert_int_equal(deep(999), depth + 1000);
    assert_int_equal(released, 1000);
    assert_int_equal(tr_scope_depth(), depth);
}

TEST(a_scope_holds_many_things)
{
    released = 0;
    {
        TR_SCOPE;
        for (int i = 0; i < 10000; i++) watched(i % 8);
    }
    assert_int_equal(released, 10000);
}

/* An object whose end makes other things. */
static void farewell(core_object *object)
{
    (void)object;
    released++;
    watched(6);
    {
        TR_SCOPE;
        watched(7);
    }
}

TEST(what_an_end_makes_goes_with_the_same_scope)
{
    static const core_class class = {"farewell", farewell};
    static core_object object;
    released = 0;
    {
        TR_SCOPE;
        watched(1);
        core_object_begin(&object, &class);
        watched(2);
    }
    assert_int_equal(released, 5);
}

TEST(a_graph_outlives_the_scope_that_built_it)
{
    tr_tensor *x = tr_requires_grad_(row(1, 2, 3), true), *loss;
    {
        TR_SCOPE;
        loss = tr_pass_up(tr_sum(tr_square(tr_mul(x, 2))));
    }
    assert_int_equal(tr_backward(loss), 0);
    assert_close(tr_grad(x), row(8, 16, 24), 0);
}

TEST(no_grad_ends_with_its_block_however_it_is_left)
{
    for (int i = 0; i < 3; i++) {
        TR_NO_GRAD;
        assert_false(tr_grad_enabled());
        if (i == 0) continue;
        if (i == 1) break;
    }
    assert_true(tr_grad_enabled());
    {
        TR_NO_GRAD;
        {
            TR_NO_GRAD;
        }
        assert_false(tr_grad_enabled());
    }
    assert_true(tr_grad_enabled());
}

static void *thread_with_scopes(void *data)
{
    bool fresh = tr_scope_depth() == 0 && tr_grad_enabled();
    tr_set_grad_enabled(false);
    tr_scope_open();
    watched(1);
    {
        TR_SCOPE;
        watched(2);
    }
    return fresh && released == 1 ? data : NULL; /* the thread's end closes what is open */
}

TEST(each_thread_has_scopes_of_its_own_that_end_with_it)
{
    released = 0;
    int depth = tr_scope_depth();
    pthread_t thread;
    void *good = NULL;
    assert_int_equal(pthread_create(&thread, NULL, thread_with_scopes, &depth), 0);
    assert_int_equal(pthread_join(thread, &good), 0);
    assert_ptr_equal(good, &depth);
    assert_int_equal(released, 2);
    assert_int_equal(tr_scope_depth(), depth);
    assert_true(tr_grad_enabled());
}

static void *thread_that_finishes(void *data)
{
    watched(1);
    tr_scope_open();
    watched(2);
    bool clean = tr_finish() == 0 && released == 2 && tr_scope_depth() == 0;
    clean = clean && tr_item(tr_add(tr_tensor_of(1.0), 1)) == 2; /* and the library may be used on */
    return clean && tr_finish() == 0 ? data : NULL;
}

TEST(finish_closes_everything_and_may_be_called_again)
{
    released = 0;
    pthread_t thread;
    void *good = NULL;
    assert_int_equal(pthread_create(&thread, NULL, thread_that_finishes, &good), 0);
    assert_int_equal(pthread_join(thread, &good), 0);
    assert_non_null(good);
}
