using System.Runtime.InteropServices;

namespace DistillOnnx.Core.Tokenization.Models;

/// <summary>
/// A double-array trie over the UTF-8 bytes of pieces. The child of a node with base <c>b</c> for byte <c>c</c> stands in slot
/// <c>b ^ c</c>; because every base is used once, comparing the slot's label with <c>c</c> proves that it is this node's child.
/// A step is one memory access.
/// </summary>
internal sealed class PieceTrie
{
    /// <summary>Marks free slots. No UTF-8 text holds this byte, so no walk steps into one.</summary>
    private const byte Free = 0xFF;

    /// <summary>Bases have 24 bits.</summary>
    private const int MaxSlots = 1 << 24;

    private readonly Slot[] _slots;

    private PieceTrie(Slot[] slots) => _slots = slots;

    /// <summary>
    /// All slots; a walk starts with the base of slot 0. Its length is a multiple of 256, so every base ^ byte lies within.
    /// </summary>
    public ReadOnlySpan<Slot> Slots => _slots;

    /// <summary>Builds the trie.</summary>
    /// <param name="keys">Distinct non-empty keys without the byte 0xFF.</param>
    /// <param name="values">The value of each key, not negative.</param>
    /// <param name="source">The file, for messages.</param>
    public static PieceTrie Build(IReadOnlyList<byte[]> keys, IReadOnlyList<int> values, string source)
    {
        var order = Enumerable.Range(0, keys.Count).ToArray();
        Array.Sort(order, (a, b) => keys[a].AsSpan().SequenceCompareTo(keys[b]));
        var builder = new Builder(keys, values, order, source);
        return new PieceTrie(builder.Build());
    }

    /// <summary>
    /// A slot: the base of its children above the label that leads to it, and the value of the key that ends here, or −1.
    /// </summary>

    internal struct Slot
    {
        /// <summary>Base in the upper 24 bits, label in the lower 8.</summary>
        public uint Link;

        /// <summary>Value, or −1.</summary>
        public int Value;
    }

    private sealed class Builder(IReadOnlyList<byte[]> keys, IReadOnlyList<int> values, int[] order, string source)
    {
        /// <summary>Slots looked at before a node goes to fresh space: bounds the time of building.</summary>
        private const int Window = 1024;

        /// <summary>How far the window moves on when nothing in it fitted.</summary>
        private const int Step = 64;

        private readonly List<Slot> _slots = [];
        private readonly List<bool> _baseTaken = [];
        private readonly List<bool> _taken = [];
        private readonly byte[] _labels = new byte[256];
        private readonly int[] _starts = new int[257];
        private int _firstFree;

        public Slot[] Build()
        {
            Grow();
            _taken[0] = true;
            // A slot without children keeps base 0, so no node may have it.
            _baseTaken[0] = true;
            var pending = new Stack<(int Slot, int From, int To, int Depth)>();
            if (order.Length > 0) pending.Push((0, 0, order.Length, 0));
            while (pending.TryPop(out var node))
            {
                var (slot, from, to, depth) = node;
                ref var entry = ref CollectionsMarshal.AsSpan(_slots)[slot];
                if (keys[order[from]].Length == depth) entry.Value = values[order[from++]];
                if (from == to) continue;

                var count = 0;
                for (var i = from; i < to; i++)
                {
                    var label = keys[order[i]][depth];
                    if (count > 0 && _labels[count - 1] == label) continue;
                    _labels[count] = label;
                    _starts[count++] = i;
                }

                _starts[count] = to;
                var parent = FindBase(count);
                _baseTaken[parent] = true;
                var slots = CollectionsMarshal.AsSpan(_slots);
                slots[slot].Link = ((uint)parent << 8) | (slots[slot].Link & 0xFF);
                for (var i = count - 1; i >= 0; i--)
                {
                    var child = parent ^ _labels[i];
                    _taken[child] = true;
                    slots[child].Link = _labels[i];
                    pending.Push((child, _starts[i], _starts[i + 1], depth + 1));
                }
            }

            return [.. _slots];
        }

        private int FindBase(int count)
        {
            while (_firstFree < _taken.Count && _taken[_firstFree]) _firstFree++;
            for (var at = _firstFree; at < Math.Min(_taken.Count, _firstFree + Window); at++)
            {
                var candidate = at ^ _labels[0];
                if (!_taken[at] && Fits(candidate, count)) return candidate;
            }

            _firstFree += Step;
            var fresh = _slots.Count;
            Grow();
            return fresh;
        }

        private bool Fits(int candidate, int count)
        {
            if (_baseTaken[candidate]) return false;
            for (var i = 1; i < count; i++)
            {
                if (_taken[candidate ^ _labels[i]]) return false;
            }

            return true;
        }

        private void Grow()
        {
            if (_slots.Count + 256 > MaxSlots)
                throw new InputException($"{source}: the vocabulary is too large: its trie needs more than {MaxSlots} slots");
            for (var i = 0; i < 256; i++)
            {
                _taken.Add(false);
                _slots.Add(new Slot { Link = Free, Value = -1 });
                _baseTaken.Add(false);
            }
        }
    }
}
