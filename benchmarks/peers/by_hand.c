#include "by_hand.h"

#include <math.h>
#include <string.h>
#include "../bench.h"

float line_x[POINTS], line_y[POINTS];
float hidden_x[POINTS][INPUTS], hidden_y[POINTS];
float hidden_W[INPUTS][NEURONS], hidden_w[NEURONS];
const float crops_x[REGIONS][3] = {{73, 67, 43}, {91, 88, 64}, {87, 134, 58}, {102, 43, 37}, {69, 96, 70}, {74, 66, 43}, {91, 87, 65}, {88, 134, 59}, {101, 44, 37}, {68, 96, 71}, {73, 66, 44}, {92, 87, 64}, {87, 135, 57}, {103, 43, 36}, {68, 97, 70}};
const float crops_y[REGIONS][2] = {{56, 70}, {81, 101}, {119, 133}, {22, 37}, {103, 119}, {57, 69}, {80, 102}, {118, 132}, {21, 38}, {104, 118}, {57, 69}, {82, 100}, {118, 134}, {20, 38}, {102, 120}};
const float crops_w[2][3] = {{0.4824f, 0.0354f, 0.5314f}, {-0.3054f, -0.4184f, 0.3570f}}, crops_b[2] = {0.3742f, -0.2385f};
int crops_order[CROP_EPOCHS * REGIONS];

void by_hand_data(void)
{
    float noise[POINTS];
    bench_fill(line_x, POINTS, 1);
    bench_fill(noise, POINTS, 2);
    for (int i = 0; i < POINTS; i++) {
        line_x[i] = 0.5f + 0.5f * line_x[i];
        line_y[i] = 0.3f + 0.1f * line_x[i] + 0.01f * noise[i];
    }
    bench_fill(&hidden_x[0][0], POINTS * INPUTS, 3);
    bench_fill(hidden_y, POINTS, 4);
    for (int i = 0; i < POINTS; i++) hidden_y[i] = hidden_y[i] < 0 ? -1 : 1;
    bench_fill(&hidden_W[0][0], INPUTS * NEURONS, 5);
    bench_fill(hidden_w, NEURONS, 6);
    for (int i = 0; i < CROP_EPOCHS * REGIONS; i++) crops_order[i] = i % REGIONS;
}

static volatile float noted; /* the loss of each iteration, which the tutorials write down */

/* ---- theta[0] + theta[1] x, mean squared error, lr: what three of the loops come to ---- */

static float theta[2];

static void line_steps(float lr, int64_t iterations)
{
    for (int64_t t = 0; t < iterations; t++) {
        float loss = 0, g0 = 0, g1 = 0;
#pragma omp simd reduction(+ \
                           : loss, g0, g1)
        for (int i = 0; i < POINTS; i++) {
            float d = theta[0] + theta[1] * line_x[i] - line_y[i];
            loss += d * d;
            g0 += d;
            g1 += d * line_x[i];
        }
        noted = loss / POINTS;
        theta[0] -= lr * 2 / POINTS * g0;
        theta[1] -= lr * 2 / POINTS * g1;
    }
}

static void start_ones(void) { theta[0] = theta[1] = 1; }
static void regression(void *unused, int64_t iterations)
{
    (void)unused;
    line_steps(0.1f, iterations);
}

static void start_halves(void) { theta[0] = theta[1] = -0.5f; }
static void module(void *unused, int64_t iterations)
{
    (void)unused;
    line_steps(0.01f, iterations);
}

/* ---- x^2 - 3x + 1 ---- */

static float quadratic_x;
static void start_quadratic(void) { quadratic_x = 0; }
static void quadratic(void *unused, int64_t iterations)
{
    (void)unused;
    for (int64_t t = 0; t < iterations; t++) {
        noted = quadratic_x;
        quadratic_x -= 0.01f * (2 * quadratic_x - 3);
    }
}

/* ---- y = tanh(X W) w ---- */

static struct {
    float W[INPUTS][NEURONS], w[NEURONS];
} net;

static void start_hidden(void)
{
    memcpy(net.W, hidden_W, sizeof net.W);
    memcpy(net.w, hidden_w, sizeof net.w);
}

/* Neurons lie side by side in the lanes of a vector; FIVE sums at a time do not wait for each other. */
enum { LANES = 16, /* the neurons, and some that are 0 */
       FIVE = 5 };
typedef float lanes __attribute__((vector_size(LANES * sizeof(float))));

static void hidden(void *unused, int64_t iterations)
{
    (void)unused;
    const float lr = 0.1f;
    static lanes W[INPUTS], phi[POINTS], dh[POINTS];
    for (int64_t t = 0; t < iterations; t++) {
        for (int i = 0; i < INPUTS; i++) memcpy(&W[i], net.W[i], sizeof net.W[i]);
        for (int p = 0; p < POINTS; p += FIVE) {
            lanes h[FIVE] = {{0}};
            for (int i = 0; i < INPUTS; i++)
                for (int j = 0; j < FIVE; j++) h[j] += hidden_x[p + j][i] * W[i];
            memcpy(&phi[p], h, sizeof h);
        }
        float *each = (float *)phi;
        for (int i = 0; i < POINTS * LANES; i++) each[i] = tanhf(each[i]);

        lanes w = {0}, dw = {0};
        float loss = 0;
        memcpy(&w, net.w, sizeof net.w);
        for (int p = 0; p < POINTS; p++) {
            lanes terms = phi[p] * w;
            float delta = -hidden_y[p];
            for (int k = 0; k < LANES; k++) delta += terms[k];
            loss += delta * delta;
            dw += delta * phi[p];
            dh[p] = delta * w * (1 - phi[p] * phi[p]);
        }
        noted = 0.5f * loss / POINTS;
        for (int i = 0; i < INPUTS; i += FIVE) {
            lanes dW[FIVE] = {{0}};
            for (int p = 0; p < POINTS; p++)
                for (int j = 0; j < FIVE; j++) dW[j] += hidden_x[p][i + j] * dh[p];
            for (int j = 0; j < FIVE; j++)
                for (int k = 0; k < NEURONS; k++) net.W[i + j][k] -= lr / POINTS * dW[j][k];
        }
        for (int k = 0; k < NEURONS; k++) net.w[k] -= lr / POINTS * dw[k];
    }
}

/* ---- three numbers in, two out, five samples a step ---- */

static struct {
    float w[2][3], b[2];
} crops;
static int crops_at;

static void start_crops(void)
{
    memcpy(crops.w, crops_w, sizeof crops.w);
    memcpy(crops.b, crops_b, sizeof crops.b);
    crops_at = 0;
}

static void crop_yields(void *unused, int64_t iterations)
{
    (void)unused;
    const float lr = 1e-5f;
    for (int64_t t = 0; t < iterations; t++) {
        float dw[2][3] = {{0}}, db[2] = {0};
        for (int s = 0; s < CROP_BATCH; s++) {
            const int i = crops_order[crops_at++];
            for (int o = 0; o < 2; o++) {
                float d = crops.b[o] - crops_y[i][o];
                for (int k = 0; k < 3; k++) d += crops_x[i][k] * crops.w[o][k];
                db[o] += d;
                for (int k = 0; k < 3; k++) dw[o][k] += d * crops_x[i][k];
            }
        }
        if (crops_at == CROP_EPOCHS * REGIONS) crops_at = 0;
        for (int o = 0; o < 2; o++) {
            crops.b[o] -= lr * 2 / (2 * CROP_BATCH) * db[o];
            for (int k = 0; k < 3; k++) crops.w[o][k] -= lr * 2 / (2 * CROP_BATCH) * dw[o][k];
        }
    }
}

const by_hand_loop by_hand[BY_HAND_LOOPS] = {
    [LINEAR_REGRESSION] = {"linear regression", "100x2", 1000, start_ones, regression, theta, 2},
    [LINEAR_LAYER] = {"linear layer", "100x1", 1000, start_ones, regression, theta, 2},
    [QUADRATIC] = {"quadratic", "1", 500, start_quadratic, quadratic, &quadratic_x, 1},
    [HIDDEN_LAYER] = {"hidden layer", "100x50x11", 5000, start_hidden, hidden, &net.W[0][0], INPUTS *NEURONS + NEURONS},
    [MODULE] = {"module", "100", 2000, start_halves, module, theta, 2},
    [CROP_YIELDS] = {"crop yields", "5x3x2", 3 * CROP_EPOCHS, start_crops, crop_yields, &crops.w[0][0], 8},
};
