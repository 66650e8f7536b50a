"""The rasterizer against a slow reference and closed forms."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ferkit.drawn.render import Raster, rasterize, vertex_normals

SIZE = 12
seeds = st.integers(0, 2**32 - 1)


def soup(
    seed: int, triangles: int = 12, reach: float = 6.0
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Make random triangles `xy`, `depth`, `faces`, half of them facing away.

    They lie in and around a picture of SIZE pixels.
    """
    rng = np.random.default_rng(seed)
    xy = rng.uniform(-reach, SIZE + reach, (triangles * 3, 2))
    depth = rng.uniform(5, 50, triangles * 3)
    faces = rng.permutation(triangles * 3).reshape(-1, 3)
    return (
        torch.tensor(xy, dtype=torch.float32),
        torch.tensor(depth, dtype=torch.float32),
        torch.tensor(faces),
    )


def cross(u: np.ndarray, v: np.ndarray) -> float:
    return float(u[0] * v[1] - u[1] * v[0])


def reference(
    xy: torch.Tensor, depth: torch.Tensor, faces: torch.Tensor, size: int
) -> dict[int, list[tuple]]:
    """List what the ray of each pixel meets, nearest first.

    Entries are (depth, triangle, weights, distance from an edge).
    """
    found: dict[int, list[tuple]] = {}
    for row in range(size):
        for column in range(size):
            at = np.array([column + 0.5, row + 0.5])
            for triangle, face in enumerate(faces.tolist()):
                a, b, c = xy[face].double().numpy()
                area = cross(b - a, c - a)
                if area <= 0:  # seen from behind
                    continue
                flat = (
                    np.array([cross(b - at, c - at), cross(c - at, a - at), cross(a - at, b - at)])
                    / area
                )
                if flat.min() > -1e-3:
                    weights = flat / depth[face].double().numpy()
                    found.setdefault(row * size + column, []).append(
                        (1 / weights.sum(), triangle, weights / weights.sum(), flat.min())
                    )
    return {pixel: sorted(met, key=lambda hit: hit[0]) for pixel, met in found.items()}


def clear(met: list[tuple]) -> bool:
    """Tell whether a pixel's result is safe from rounding.

    It is where no edge and no second surface is close.
    """
    inside = [hit for hit in met if hit[3] > 1e-3]
    return len(inside) == len(met) and (len(met) < 2 or met[1][0] - met[0][0] > 1e-3)


@settings(max_examples=25)
@given(seeds)
def test_it_agrees_with_a_loop_over_pixels_and_triangles(seed):
    xy, depth, faces = soup(seed)
    expected = reference(xy, depth, faces, SIZE)
    raster = rasterize(xy, depth, faces, SIZE)
    got = dict(zip(raster.pixel.tolist(), range(len(raster.pixel)), strict=True))
    assert len(got) == len(raster.pixel), "one sample for each pixel"
    assert got.keys() <= expected.keys()
    for pixel, met in expected.items():
        if clear(met):
            distance, triangle, weights, _ = met[0]
            i = got[pixel]
            assert int(raster.triangle[i]) == triangle
            np.testing.assert_allclose(raster.weights[i], weights, atol=2e-3)
            assert 1 / float(raster.inverse[i]) == pytest.approx(distance, rel=1e-3)


@settings(max_examples=25)
@given(seeds, st.integers(2, 3))
def test_several_rays_are_a_larger_picture_put_together(seed, rays):
    """Fully covered pixels are one sample where all is one part.

    Other pixels have a sample for each ray that hits.
    """
    xy, depth, faces = soup(seed)
    large = rasterize(xy * rays, depth, faces, SIZE * rays)
    row, column = large.pixel // (SIZE * rays) // rays, large.pixel % (SIZE * rays) // rays
    hits = torch.zeros(SIZE**2).index_add_(0, row * SIZE + column, torch.ones(len(large.pixel)))
    raster = rasterize(xy, depth, faces, SIZE, rays=rays)
    share = torch.zeros(SIZE**2).index_add_(0, raster.pixel, raster.share)
    assert share.max() <= 1 + 1e-6
    torch.testing.assert_close(share, hits / rays**2)
    samples = torch.bincount(raster.pixel, minlength=SIZE**2)
    assert torch.equal(samples, torch.where(hits == rays**2, 1, hits.long()))


def test_parts_are_told_apart_within_a_pixel():
    xy = torch.tensor([[0.0, 0.0], [4.5, 0.0], [9.0, 0.0], [9.0, 9.0], [4.5, 9.0], [0.0, 9.0]])
    faces = torch.tensor([[0, 1, 4], [0, 4, 5], [1, 2, 3], [1, 3, 4]])
    depth = torch.full((6,), 10.0)
    for part, samples in ((torch.tensor([0, 0, 0, 0]), 1), (torch.tensor([0, 0, 1, 1]), 4)):
        raster = rasterize(xy, depth, faces, 9, rays=2, part=part)
        assert torch.bincount(raster.pixel, minlength=81).view(9, 9)[:, 4].tolist() == [samples] * 9
        assert float(raster.share.sum()) == 81


@settings(max_examples=25)
@given(seeds, seeds)
def test_the_order_of_triangles_does_not_matter(seed, other):
    xy, depth, faces = soup(seed)
    order = torch.from_numpy(np.random.default_rng(other).permutation(len(faces)))
    first, second = rasterize(xy, depth, faces, SIZE), rasterize(xy, depth, faces[order], SIZE)
    assert torch.equal(first.pixel, second.pixel)
    assert torch.equal(first.triangle, order[second.triangle])
    assert torch.equal(first.weights, second.weights)


def mesh(seed: int, cells: int, size: int, snap: bool) -> tuple[torch.Tensor, torch.Tensor]:
    """Cut a picture into triangles without gaps.

    With `snap` inner vertices, and so edges too, lie on pixel centres.
    """
    rng = np.random.default_rng(seed)
    xy = np.stack(np.meshgrid(*[np.linspace(0, size, cells + 1)] * 2), -1)
    inner = xy[1:-1, 1:-1] + rng.uniform(-0.3, 0.3, (cells - 1, cells - 1, 2)) * size / cells
    xy[1:-1, 1:-1] = np.floor(inner) + 0.5 if snap else inner
    faces = []
    for row in range(cells):
        for column in range(cells):
            a = row * (cells + 1) + column
            b, c, d = a + 1, a + cells + 2, a + cells + 1
            faces += [(a, b, c), (a, c, d)] if rng.random() < 0.5 else [(a, b, d), (b, c, d)]
    return torch.tensor(xy.reshape(-1, 2), dtype=torch.float32), torch.tensor(faces)


@pytest.mark.parametrize("snap", [False, True])
@pytest.mark.parametrize(("cells", "size"), [(2, 7), (5, 40), (16, 64), (40, 224), (200, 1200)])
def test_shared_edges_have_no_hole(cells, size, snap):
    xy, faces = mesh(cells, cells, size, snap)
    depth = torch.linspace(50, 60, len(xy))
    assert len(rasterize(xy, depth, faces, size).pixel) == size**2
    if size < 100:
        assert float(rasterize(xy, depth, faces, size, rays=2).share.sum()) == pytest.approx(
            size**2
        )


@settings(max_examples=25)
@given(seeds)
def test_a_slanted_plane_is_seen_in_perspective(seed):
    """Interpolated points lie on the plane and project to pixel centres.

    Depths differ fourfold.
    """
    rng = np.random.default_rng(seed)
    size, focal = 16, 30.0
    corners = np.array([[0, 0], [size, 0], [size, size], [0, size]], dtype=float)
    tilt = rng.uniform(-0.02, 0.02, 2)  # 1 / depth is an affine function of the pixel
    inverse = 0.05 + (corners - size / 2) @ (tilt / size)
    points = torch.tensor(
        np.c_[(corners - size / 2) / focal, np.ones(4)] / inverse[:, None], dtype=torch.float32
    )
    xy, faces = torch.tensor(corners, dtype=torch.float32), torch.tensor([[0, 1, 2], [0, 2, 3]])
    raster = rasterize(xy, points[:, 2], faces, size)
    assert len(raster.pixel) == size**2
    seen = raster.interpolate(points, faces)
    centres = torch.stack([raster.pixel % size + 0.5, raster.pixel // size + 0.5], 1)
    torch.testing.assert_close(
        seen[:, :2] / seen[:, 2:] * focal + size / 2, centres, atol=1e-3, rtol=0
    )
    torch.testing.assert_close(1 / seen[:, 2], raster.inverse, atol=1e-6, rtol=0)
    expected = 0.05 + (centres.double() - size / 2) @ torch.from_numpy(tilt / size)
    torch.testing.assert_close(raster.inverse.double(), expected, atol=1e-6, rtol=0)
    torch.testing.assert_close(raster.weights.sum(1), torch.ones(size**2), atol=1e-5, rtol=0)


@pytest.mark.parametrize("rays", [1, 2])
@pytest.mark.parametrize("shift", [(-100, 0), (100, 0), (0, -100), (0, 100), (1e4, 1e4)])
def test_what_lies_outside_is_not_seen(shift, rays):
    xy, depth, faces = soup(1, reach=0)
    raster = rasterize(xy + torch.tensor(shift, dtype=torch.float32), depth, faces, SIZE, rays=rays)
    assert all(len(value) == 0 for value in vars(raster).values())
    assert raster.interpolate(xy, faces).shape == (0, 2)


def test_a_triangle_that_reaches_far_out_is_cut_at_the_picture():
    xy = torch.tensor([[-500.0, -500.0], [1500.0, -500.0], [-500.0, 1500.0]])
    assert (
        len(rasterize(xy, torch.full((3,), 9.0), torch.tensor([[0, 1, 2]]), SIZE).pixel) == SIZE**2
    )


def test_backs_and_slivers_are_not_seen():
    xy = torch.tensor([[1.0, 1.0], [9.0, 1.0], [1.0, 9.0], [5.0, 5.0]])
    depth = torch.full((4,), 9.0)
    assert len(rasterize(xy, depth, torch.tensor([[0, 1, 2]]), SIZE).pixel) > 20
    assert len(rasterize(xy, depth, torch.tensor([[0, 2, 1]]), SIZE).pixel) == 0
    assert len(rasterize(xy, depth, torch.tensor([[1, 3, 2], [0, 0, 1]]), SIZE).pixel) == 0


def test_the_nearer_of_two_crossing_triangles_is_seen_on_either_side():
    xy = torch.tensor([[0.0, 0.0], [20.0, 0.0], [0.0, 20.0]]).repeat(2, 1)
    depth = torch.tensor(
        [10.0, 30.0, 10.0, 30.0, 10.0, 30.0]
    )  # one rises to the right, the other falls
    raster = rasterize(xy, depth, torch.tensor([[0, 1, 2], [3, 4, 5]]), 20)
    assert raster.triangle[raster.pixel < 19].tolist() == [0] * 10 + [1] * 9  # the top row


def test_an_index_takes_samples():
    raster = rasterize(*soup(3), SIZE)
    some = raster[torch.tensor([2, 0])]
    assert isinstance(some, Raster)
    assert some.pixel.tolist() == [int(raster.pixel[2]), int(raster.pixel[0])]


def test_normals_of_a_sphere_point_away_from_its_middle():
    steps = 24
    polar = torch.linspace(0, torch.pi, steps + 1)[:, None].expand(-1, 2 * steps)
    round_ = (torch.arange(2 * steps) * torch.pi / steps).expand(steps + 1, -1)
    points = torch.stack(
        [polar.sin() * round_.cos(), polar.cos(), polar.sin() * round_.sin()], -1
    ).flatten(0, 1)
    row, column = torch.meshgrid(torch.arange(steps), torch.arange(2 * steps), indexing="ij")
    a, b = row * 2 * steps + column, row * 2 * steps + (column + 1) % (2 * steps)
    c, d = a + 2 * steps, b + 2 * steps
    faces = torch.cat([torch.stack([a, d, b], -1), torch.stack([a, c, d], -1)]).reshape(-1, 3)
    normals = vertex_normals(points, faces)
    inner = slice(2 * steps, -2 * steps)  # the poles are many vertices in one place
    assert ((normals[inner] * points[inner]).sum(1) > 0.99).all()
    seen = rasterize(points[:, :2] * 10 + 12, points[:, 2] + 50, faces, 24)
    assert len(seen.pixel) == pytest.approx(torch.pi * 10**2, rel=0.05)
    assert (seen.interpolate(normals, faces)[:, 2] < 0.01).all(), (
        "what is seen looks towards the viewer"
    )
