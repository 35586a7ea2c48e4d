/* What complex numbers cannot do, in PyTorch's words. */
#include "autograd/operands.h"
#include "autograd/say.h"

#include <string.h>

/* %s is the type.  Functions that are not here are "name_cpu" to PyTorch. */
static const struct {
    const char *function, *sentence;
} sentences[] = {
    {"tr_sign", "Unlike NumPy, torch.sign is not intended to support complex numbers. Please use torch.sgn instead."},
    {"tr_floor", "floor is not supported for complex inputs"},
    {"tr_ceil", "ceil is not supported for complex inputs"},
    {"tr_trunc", "trunc is not supported for complex inputs"},
    {"tr_round", "\"round_vml_cpu\" not implemented for '%s'"},
    {"tr_erf", "\"erf_vml_cpu\" not implemented for '%s'"},
    {"tr_gelu", "\"GeluKernelImpl\" not implemented for '%s'"},
    {"tr_relu", "clamp is not supported for complex types"},
    {"tr_clamp", "clamp is not supported for complex types"},
    {"tr_clamp_min", "clamp is not supported for complex types"},
    {"tr_clamp_max", "clamp is not supported for complex types"},
    {"tr_maximum", "maximum not implemented for complex tensors."},
    {"tr_minimum", "minimum not implemented for complex tensors."},
    {"tr_floor_divide", "\"div_floor_cpu\" not implemented for '%s'"},
    {"tr_max", "\"max_all\" not implemented for '%s'"},
    {"tr_min", "\"min_all\" not implemented for '%s'"},
    {"tr_max_dim", "max(): does not support complex input"},
    {"tr_min_dim", "min(): does not support complex input"},
    {"tr_median_dim", "\"median_out\" not implemented for '%s'"},
    {"tr_sort", "\"sorting_kernel_method_name\" not implemented for '%s'"},
    {"tr_softmax", "\"softmax_lastdim_kernel_impl\" not implemented for '%s'"},
    {"tr_log_softmax", "\"log_softmax_lastdim_kernel_impl\" not implemented for '%s'"},
    {"tr_logsumexp", "logsumexp(): Expected floating point type for result tensor, but got: %s"},
    {"tr_mse_loss", "\"mse_cpu\" not implemented for '%s'"},
};

bool autograd_no_complex(const char *function, const tr_tensor *x)
{
    if (core_dtype_category[x->dtype] != 3) return false;
    const char *type = autograd_say_type((tr_dtype)x->dtype), *sentence = NULL;
    for (size_t i = 0; i < sizeof sentences / sizeof *sentences && !sentence; i++)
        if (strcmp(sentences[i].function, function) == 0) sentence = sentences[i].sentence;
    const char *at = sentence ? strstr(sentence, "%s") : NULL;
    if (at)
        core_fail("%s: %s: %.*s%s%s", function, core_show(x), (int)(at - sentence), sentence, type, at + 2);
    else if (sentence)
        core_fail("%s: %s: %s", function, core_show(x), sentence);
    else
        core_fail("%s: %s: \"%s_cpu\" not implemented for '%s'", function, core_show(x), function + strlen("tr_"), type);
    return true;
}
