"""Make tests/golden/io: small files as NumPy, safetensors and the standard library write them.

    pip install numpy safetensors && python3 make_io.py io

Element i of a file is i - 2 (unsigned: i; bool: odd i; complex: i - 2 + i/2 j) unless its name says otherwise.
"""

import gzip
import io
import os
import struct
import sys
import zipfile

import numpy as np
from safetensors.numpy import save_file

os.chdir(sys.argv[1])


def values(dtype, shape=(2, 3)):
    n = np.arange(np.prod(shape, dtype=int))
    dtype = np.dtype(dtype)
    if dtype.kind == "b":
        x = n % 2 == 1
    elif dtype.kind == "c":
        x = n - 2 + n / 2 * 1j
    else:
        x = n if dtype.kind == "u" else n - 2
    return x.astype(dtype).reshape(shape)


def npy_bytes(array, version=None):
    f = io.BytesIO()
    np.lib.format.write_array(f, array, version)
    return f.getvalue()


def write(name, data):
    with open(name, "wb") as f:
        f.write(data)


# .npy
for name in "bool uint8 int32 int64 float16 float32 float64 complex64 complex128".split():
    np.save(name + ".npy", values(name))
for name in "int32 int64 float16 float32 float64 complex64 complex128".split():
    np.save(name + "_big_endian.npy", values(np.dtype(name).newbyteorder(">")))
np.save("fortran.npy", np.asfortranarray(values("float32", (2, 3, 4))))
np.save("fortran_large.npy", np.asfortranarray(values("int32", (37, 61))))
np.save("scalar.npy", values("float64", ()))
np.save("row.npy", values("float32", (5,)))
np.save("empty.npy", values("float32", (0, 3)))
write("version2.npy", npy_bytes(values("float32"), (2, 0)))
write("version3.npy", npy_bytes(values("float32"), (3, 0)))
for name in "int8 int16 uint16 uint32 uint64 S3 U3 M8[s]".split():
    np.save("refused_" + name.split("[")[0] + ".npy", np.zeros(2, name))
np.save("refused_record.npy", np.zeros(2, [("x", "f4"), ("y", "f4")]))
np.save("refused_object.npy", np.array([None, {}], object), allow_pickle=True)
np.save("refused_nine_dims.npy", np.zeros((1,) * 9, "f4"))

# .npz
arrays = {"weight": values("float32"), "label": values("int64", (4,)), "zeros": np.zeros(20000, "float32")}
np.savez("stored.npz", weight=arrays["weight"], label=arrays["label"])
np.savez_compressed("deflated.npz", **arrays)
with zipfile.ZipFile("others.npz", "w") as z:  # not only arrays, and a comment behind it all
    z.writestr("README", "not an array")
    z.writestr("weight.npy", npy_bytes(arrays["weight"]))
    z.comment = b"a comment"


def to_zip64(data):
    """The same archive with every number of its directory moved to zip64's fields, as large archives have them."""
    end = data.rindex(b"PK\5\6")
    count, = struct.unpack_from("<H", data, end + 10)
    begin, = struct.unpack_from("<I", data, end + 16)
    at, directory = begin, b""
    for _ in range(count):
        e = bytearray(data[at:at + 46])
        packed, unpacked, name = struct.unpack_from("<IIH", e, 20)
        local, = struct.unpack_from("<I", e, 42)
        struct.pack_into("<IIHH", e, 20, 0xFFFFFFFF, 0xFFFFFFFF, name, 28 + 5)
        struct.pack_into("<I", e, 42, 0xFFFFFFFF)
        other = struct.pack("<HHB", 0x7777, 1, 0)  # some other extra field before it
        directory += bytes(e) + data[at + 46:at + 46 + name] + other + struct.pack("<HHQQQ", 1, 24, unpacked, packed, local)
        at += 46 + name
    end64 = struct.pack("<4sQHHIIQQQQ", b"PK\6\6", 44, 45, 45, 0, 0, count, count, len(directory), begin)
    locator = struct.pack("<4sIQI", b"PK\6\7", 0, begin + len(directory), 1)
    return data[:begin] + directory + end64 + locator + struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)


with open("stored.npz", "rb") as f:
    write("zip64.npz", to_zip64(f.read()))
assert np.array_equal(np.load("zip64.npz")["label"], arrays["label"])

# IDX
codes = {"u1": 8, "i1": 9, "i2": 11, "i4": 12, "f4": 13, "f8": 14}
for name, code in codes.items():
    x = values(">" + name)
    write("idx_" + name, bytes([0, 0, code, x.ndim]) + struct.pack(">2i", *x.shape) + x.tobytes())
with open("idx_i2", "rb") as f:
    plain = f.read()
write("idx_i2.gz", gzip.compress(plain, mtime=0))
write("idx_i2_two_members.gz", gzip.compress(plain[:7], mtime=0) + gzip.compress(plain[7:], mtime=0))

# .safetensors
save_file(
    {name: values(name) for name in "bool uint8 int8 int32 int64 float16 float32 float64 complex64".split()}
    | {"scalar": values("float32", ()), "empty": values("float32", (0, 3)), 'gr\u00f6\u00dfe "\\\n\U0001f6a3': values("float32", (2,))},
    "numpy.safetensors",
    metadata={"format": "np", "steps": "12"},
)
