/* The tutorials' training loops in plain C, derivatives worked out by hand: the floor under every library, and what
 * bench_loops holds its results against.  Nothing here knows of tensors. */
#ifndef BY_HAND_H
#define BY_HAND_H

#include <stdint.h>

enum { POINTS = 100,   /* of the lines and of the hidden layer's patterns */
       INPUTS = 50,    /* of the hidden layer */
       NEURONS = 11,   /* in it */
       REGIONS = 15,   /* that grow crops */
       CROP_BATCH = 5, /* samples in a step */
       CROP_EPOCHS = 100 };

typedef struct {
    const char *name, *size;
    int64_t iterations; /* as many as the tutorial makes */
    void (*start)(void);
    void (*run)(void *unused, int64_t iterations); /* goes on from where it is */
    const float *result;                           /* the trained parameters */
    int64_t results;
} by_hand_loop;

enum { LINEAR_REGRESSION,
       LINEAR_LAYER,
       QUADRATIC,
       HIDDEN_LAYER,
       MODULE,
       CROP_YIELDS,
       BY_HAND_LOOPS };
extern const by_hand_loop by_hand[BY_HAND_LOOPS];

/* The data and where training starts, which every program shares. */
void by_hand_data(void);
extern float line_x[POINTS], line_y[POINTS]; /* near 0.3 + 0.1 x */
extern float hidden_x[POINTS][INPUTS], hidden_y[POINTS];
extern float hidden_W[INPUTS][NEURONS], hidden_w[NEURONS]; /* at first */
extern const float crops_x[REGIONS][3], crops_y[REGIONS][2];
extern const float crops_w[2][3], crops_b[2];  /* at first */
extern int crops_order[CROP_EPOCHS * REGIONS]; /* who comes when: 0 1 2 ... until another is put there */

#endif
