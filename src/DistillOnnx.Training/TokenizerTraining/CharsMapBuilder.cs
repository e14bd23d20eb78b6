using System.Buffers.Binary;
using System.Text;

namespace DistillOnnx.Training.TokenizerTraining;

/// <summary>
/// Compiles replacement rules into SentencePiece's precompiled form, which <see cref="DistillOnnx.Core.Tokenization.Models.CharsMap"/>
/// reads: units of a
/// double array in darts-clone's layout (label in the low byte, leaf flag in bit 8, distance to the children in bits 10 and
/// up), then the replacements, each ended by a NUL.
/// </summary>
internal static class CharsMapBuilder
{
    private const uint LeafFlag = 0x100;
    private const uint ValueFlag = 0x8000_0000;

    /// <summary>No key holds this byte, so an unused unit labelled with it is never entered.</summary>
    private const uint Unused = 0xFF;

    /// <summary>Compiles.</summary>
    /// <param name="rules">What is replaced, not empty, and by what.</param>
    public static byte[] Build(IReadOnlyDictionary<string, string> rules)
    {
        var replacements = new MemoryStream();
        var offsets = new Dictionary<string, uint>(StringComparer.Ordinal);
        foreach (var replacement in rules.Values.Distinct().Order(StringComparer.Ordinal))
        {
            offsets[replacement] = (uint)replacements.Length;
            replacements.Write(Encoding.UTF8.GetBytes(replacement));
            replacements.WriteByte(0);
        }

        var root = new Node();
        foreach (var (key, replacement) in rules) root.Add(Encoding.UTF8.GetBytes(key), offsets[replacement]);

        var units = new List<uint>();
        var taken = new HashSet<int> { 0 };
        var bases = new HashSet<int>();
        Place(root, 0);
        Grow((units.Count + 255) & ~255);

        var blob = new byte[4 + (units.Count * 4) + replacements.Length];
        BinaryPrimitives.WriteUInt32LittleEndian(blob, (uint)units.Count * 4);
        for (var i = 0; i < units.Count; i++) BinaryPrimitives.WriteUInt32LittleEndian(blob.AsSpan(4 + (i * 4)), units[i]);
        replacements.ToArray().CopyTo(blob.AsSpan(4 + (units.Count * 4)));
        return blob;

        // The children of the unit at position p stand at p ^ distance ^ label; a value is the child with label 0.
        void Place(Node node, int position)
        {
            var labels = node.Children.Keys.Select(l => (int)l).ToList();
            if (node.Value is not null) labels.Add(0);
            var start = 1;
            while (bases.Contains(start) || labels.Exists(l => taken.Contains(start ^ l))) start++;
            bases.Add(start);
            foreach (var label in labels) taken.Add(start ^ label);
            Grow(Math.Max(position, start | 0xFF) + 1);

            var distance = (uint)(position ^ start);
            if (distance >= 1 << 21) throw new InvalidOperationException("too many normalisation rules");
            units[position] |= (distance << 10) | (node.Value is null ? 0 : LeafFlag);
            if (node.Value is { } value) units[start] = ValueFlag | value;
            foreach (var (label, child) in node.Children)
            {
                units[start ^ label] = label;
                Place(child, start ^ label);
            }
        }

        void Grow(int count)
        {
            while (units.Count < count) units.Add(units.Count == 0 ? 0 : Unused);
        }
    }

    private sealed class Node
    {
        public SortedDictionary<byte, Node> Children { get; } = [];

        public uint? Value { get; private set; }

        public void Add(ReadOnlySpan<byte> key, uint value)
        {
            var node = this;
            foreach (var label in key)
            {
                if (!node.Children.TryGetValue(label, out var child)) node.Children.Add(label, child = new Node());
                node = child;
            }

            node.Value = value;
        }
    }
}
