"""Make digits.npz out of the digits.csv.gz that scikit-learn ships.

The source is sklearn/datasets/data/digits.csv.gz in scikit-learn's wheel or repository: 1797 rows, each 64 pixel
values from 0 to 16 and the digit's label.  Needs NumPy.

    pip download --no-deps scikit-learn && unzip -j scikit_learn-*.whl 'sklearn/datasets/data/digits.csv.gz'
    python3 make_digits.py digits.csv.gz digits.npz
"""

import sys

import numpy as np

if len(sys.argv) != 3:
    sys.exit("usage: make_digits.py digits.csv.gz digits.npz")

rows = np.loadtxt(sys.argv[1], delimiter=",")
assert rows.shape == (1797, 65), rows.shape
images, labels = rows[:, :64], rows[:, 64]
assert images.min() == 0 and images.max() == 16 and set(labels) == set(range(10))

np.savez_compressed(
    sys.argv[2],
    images=images.astype(np.uint8).reshape(-1, 8, 8),
    labels=labels.astype(np.int64),
)
