/* dist/nccl_calls.h says what nccl.h says, and the library, where it can be loaded, has every function of it. */
#include "dist/nccl_calls.h"

#include <limits.h>
#include <nccl.h>
#include <stdio.h>
#include <string.h>

#define SAME(ours, theirs) _Static_assert((int)(ours) == (int)(theirs), #theirs)
SAME(NCCL_DONE, ncclSuccess);
SAME(NCCL_GOES_ON, ncclInProgress);
SAME(NCCL_U8, ncclUint8);
SAME(NCCL_I32, ncclInt32);
SAME(NCCL_I64, ncclInt64);
SAME(NCCL_F32, ncclFloat32);
SAME(NCCL_F64, ncclFloat64);
SAME(NCCL_ADD, ncclSum);
SAME(NCCL_SCALAR_OF_HOST, ncclScalarHostImmediate);
SAME(sizeof(nccl_id), sizeof(ncclUniqueId));
SAME(sizeof(int), sizeof(ncclRedOp_t));
SAME(offsetof(nccl_config, size), offsetof(ncclConfig_t, size));
SAME(offsetof(nccl_config, magic), offsetof(ncclConfig_t, magic));
SAME(offsetof(nccl_config, version), offsetof(ncclConfig_t, version));
SAME(offsetof(nccl_config, blocking), offsetof(ncclConfig_t, blocking));
SAME(offsetof(nccl_config, unset), offsetof(ncclConfig_t, cgaClusterSize));
SAME(21400, NCCL_VERSION(2, 14, 0));

/* The functions take what ours do: pointers of the library's own for ours, its enumerations for int. */
#define TAKES(name, result, ...) _Static_assert(_Generic(&name, result(*)(__VA_ARGS__) : 1, default : 0), #name)
TAKES(ncclGetVersion, ncclResult_t, int *);
TAKES(ncclGetUniqueId, ncclResult_t, ncclUniqueId *);
TAKES(ncclCommInitRankConfig, ncclResult_t, ncclComm_t *, int, ncclUniqueId, int, ncclConfig_t *);
TAKES(ncclCommGetAsyncError, ncclResult_t, ncclComm_t, ncclResult_t *);
TAKES(ncclCommFinalize, ncclResult_t, ncclComm_t);
TAKES(ncclCommDestroy, ncclResult_t, ncclComm_t);
TAKES(ncclCommAbort, ncclResult_t, ncclComm_t);
TAKES(ncclGetErrorString, const char *, ncclResult_t);
TAKES(ncclGetLastError, const char *, ncclComm_t);
TAKES(ncclAllReduce, ncclResult_t, const void *, void *, size_t, ncclDataType_t, ncclRedOp_t, ncclComm_t, cudaStream_t);
TAKES(ncclReduceScatter, ncclResult_t, const void *, void *, size_t, ncclDataType_t, ncclRedOp_t, ncclComm_t, cudaStream_t);
TAKES(ncclAllGather, ncclResult_t, const void *, void *, size_t, ncclDataType_t, ncclComm_t, cudaStream_t);
TAKES(ncclBroadcast, ncclResult_t, const void *, void *, size_t, ncclDataType_t, int, ncclComm_t, cudaStream_t);
TAKES(ncclGroupStart, ncclResult_t, void);
TAKES(ncclGroupEnd, ncclResult_t, void);
TAKES(ncclRedOpCreatePreMulSum, ncclResult_t, ncclRedOp_t *, void *, ncclDataType_t, ncclScalarResidence_t, ncclComm_t);
TAKES(ncclRedOpDestroy, ncclResult_t, ncclRedOp_t, ncclComm_t);

int main(void)
{
    const ncclConfig_t theirs = NCCL_CONFIG_INITIALIZER;
    const nccl_config ours = NCCL_NOT_BLOCKING;
    if (ours.magic != theirs.magic || ours.unset != theirs.cgaClusterSize || ours.blocking != 0) {
        puts("ncclConfig_t begins with other values than ours");
        return 1;
    }
    int version;
    const char *why;
    char text[16];
    const nccl_calls *nccl = dist_nccl(&version, &why);
    if (!nccl) {
        printf("skipped: NCCL: %s\n", why);
        return 77;
    }
    printf("NCCL %s; status 7: %s\n", dist_nccl_version_text(version, text), nccl->words(NCCL_GOES_ON));
    return strcmp(dist_nccl_version_text(2804, text), "2.8.4") == 0 && strcmp(dist_nccl_version_text(22809, text), "2.28.9") == 0 ? 0 : 1;
}
