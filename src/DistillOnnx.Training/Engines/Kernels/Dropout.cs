using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace DistillOnnx.Training.Engines.Kernels;

/// <summary>
/// A dropout mask that is computed, not stored: whether an element is kept is a hash of the mask's seed and the element's
/// position. The backward pass asks again and gets the same answer, and a resumed run needs no random state.
/// </summary>
internal readonly struct Dropout
{
    private readonly uint _seed0;
    private readonly uint _seed1;
    private readonly uint _threshold;

    /// <param name="probability">Share of elements that become 0.</param>
    /// <param name="seed">Seed of the step.</param>
    /// <param name="site">Tells this mask from the others of the step.</param>
    public Dropout(double probability, long seed, int site)
    {
        var mixed = Mix(unchecked((ulong)seed * 0x9E3779B97F4A7C15 + (ulong)(uint)site * 0xD1B54A32D192ED03 + 1));
        (_seed0, _seed1) = ((uint)mixed, (uint)(mixed >> 32));
        _threshold = (uint)Math.Round(probability * (1 << 24));
        Scale = (float)(1 / (1 - probability));
        IsActive = _threshold > 0;
    }

    private Dropout(uint seed0, uint seed1, uint threshold, float scale)
    {
        (_seed0, _seed1, _threshold, Scale, IsActive) = (seed0, seed1, threshold, scale, threshold > 0);
    }

    /// <summary>Whether anything is dropped at all.</summary>
    public bool IsActive { get; }

    /// <summary>What kept elements are multiplied with.</summary>
    public float Scale { get; }

    /// <summary>A mask of its own within this one.</summary>
    /// <param name="part">Which.</param>
    public Dropout Part(int part)
    {
        var mixed = Mix(((ulong)_seed1 << 32 | _seed0) + (ulong)(uint)part * 0x9E3779B97F4A7C15);
        return new Dropout((uint)mixed, (uint)(mixed >> 32), _threshold, Scale);
    }

    /// <summary>The factors of 16 elements: <see cref="Scale"/> or 0.</summary>
    /// <param name="index">Position of the first.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<float> Factors(uint index)
    {
        var x = (Vector512.Create(index) + Vector512<uint>.Indices) * Vector512.Create(0x9E3779B9u) ^ Vector512.Create(_seed0);
        x ^= x >>> 16;
        x *= Vector512.Create(0x7FEB352Du);
        x = (x ^ (x >>> 15)) + Vector512.Create(_seed1);
        x *= Vector512.Create(0x846CA68Bu);
        x ^= x >>> 16;
        var dropped = Vector512.LessThan((x >>> 8).AsInt32(), Vector512.Create((int)_threshold));
        return Vector512.AndNot(Vector512.Create(Scale), dropped.AsSingle());
    }

    /// <summary>The factor of one element.</summary>
    /// <param name="index">Its position.</param>
    public float Factor(uint index)
    {
        var x = unchecked(index * 0x9E3779B9u) ^ _seed0;
        x ^= x >> 16;
        x *= 0x7FEB352Du;
        x = (x ^ (x >> 15)) + _seed1;
        x *= 0x846CA68Bu;
        x ^= x >> 16;
        return x >> 8 < _threshold ? 0 : Scale;
    }

    private static ulong Mix(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
