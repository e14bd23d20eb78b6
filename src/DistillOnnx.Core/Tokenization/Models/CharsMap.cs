using System.Buffers.Binary;
using System.Text.Unicode;

namespace DistillOnnx.Core.Tokenization.Models;

/// <summary>
/// SentencePiece's precompiled normalisation rules: a Darts double array over the UTF-8 bytes of what is replaced, whose
/// values point into a block of NUL-terminated replacements. A unit holds label, offset and a leaf flag as in darts-clone.
/// </summary>
internal sealed class CharsMap
{
    /// <summary>No rule reaches this length; it bounds the walk through a hostile array that loops.</summary>
    private const int MaxRuleBytes = 256;

    private readonly uint[] _units;
    private readonly byte[] _replacements;

    private CharsMap(uint[] units, byte[] replacements)
    {
        _units = units;
        _replacements = replacements;
    }

    /// <summary>Parses the rules.</summary>
    /// <param name="blob">A 32-bit size, a double array of that many bytes, the replacements.</param>
    /// <param name="source">The file, for messages.</param>
    /// <returns>The rules, or null when there are none.</returns>
    public static CharsMap? Parse(ReadOnlySpan<byte> blob, string source)
    {
        if (blob.IsEmpty) return null;
        if (blob.Length < 4)
            throw new InputException($"{source}: precompiled_charsmap has {blob.Length} bytes, expected its size and rules");
        var size = BinaryPrimitives.ReadUInt32LittleEndian(blob);
        if (size == 0 || size % 4 != 0 || size >= blob.Length - 4)
            throw new InputException(
                $"{source}: precompiled_charsmap claims a double array of {size} bytes, found {blob.Length - 4} bytes of rules");

        var units = new uint[size / 4];
        for (var i = 0; i < units.Length; i++) units[i] = BinaryPrimitives.ReadUInt32LittleEndian(blob[(4 + (i * 4))..]);
        var replacements = blob[(4 + (int)size)..];
        if (replacements[^1] != 0) throw new InputException($"{source}: precompiled_charsmap's last replacement does not end");
        if (!Utf8.IsValid(replacements)) throw new InputException($"{source}: precompiled_charsmap's replacements are not UTF-8");
        for (var i = 0; i < units.Length; i++)
        {
            if (units[i] >> 31 != 0 && (units[i] & int.MaxValue) >= replacements.Length)
                throw new InputException(
                    $"{source}: precompiled_charsmap points to replacement byte {units[i] & int.MaxValue}, expected less than "
                        + $"{replacements.Length}");
        }

        return new CharsMap(units, replacements.ToArray());
    }

    /// <summary>Finds the longest rule that the text begins with.</summary>
    /// <param name="text">UTF-8.</param>
    /// <param name="replacement">What the rule puts in place; may be empty.</param>
    /// <returns>Bytes replaced; 0 where no rule applies.</returns>
    public int Match(ReadOnlySpan<byte> text, out ReadOnlySpan<byte> replacement)
    {
        var units = _units;
        var length = 0;
        var value = 0u;
        var end = Math.Min(text.Length, MaxRuleBytes);
        var position = Offset(units[0]);
        for (var i = 0; i < end; i++)
        {
            position ^= text[i];
            if (position >= (uint)units.Length) break;
            var unit = units[position];
            if ((unit & 0x8000_00FF) != text[i]) break;
            position ^= Offset(unit);
            if ((unit & 0x100) == 0) continue;
            if (position >= (uint)units.Length) break;
            length = i + 1;
            value = units[position] & int.MaxValue;
        }

        if (length == 0)
        {
            replacement = default;
            return 0;
        }

        // A leaf without the value bit occurs only in a damaged array; it reads as an empty replacement.
        var rest = value < (uint)_replacements.Length ? _replacements.AsSpan((int)value) : default;
        replacement = rest.IsEmpty ? rest : rest[..rest.IndexOf((byte)0)];
        return length;
    }

    /// <summary>Whether an ASCII byte stays as it is whenever another ASCII byte, or nothing, follows.</summary>
    /// <param name="first">The byte, below 0x80.</param>
    public bool Keeps(byte first)
    {
        Span<byte> pair = [first, 0];
        if (Match(pair[..1], out _) != 0) return false;
        var position = Offset(_units[0]) ^ first;
        if (position >= (uint)_units.Length || (_units[position] & 0x8000_00FF) != first) return true;
        position ^= Offset(_units[position]);
        for (var next = 0u; next < 0x80; next++)
        {
            var child = position ^ next;
            if (child < (uint)_units.Length && (_units[child] & 0x8000_00FF) == next) return false;
        }

        return true;
    }

    private static uint Offset(uint unit) => unit >> 10 << (int)((unit & 0x200) >> 6);
}
