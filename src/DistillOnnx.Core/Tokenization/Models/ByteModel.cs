using System.Text;

namespace DistillOnnx.Core.Tokenization.Models;

/// <summary>
/// ByT5's tokens: pad, end and unknown, one for each byte of UTF-8, then the sentinels in rising order. Nothing is normalised, and
/// there is no text that it cannot write.
/// </summary>
/// <param name="extraIds">Sentinels behind the bytes.</param>
internal sealed class ByteModel(int extraIds) : ITokenModel
{
    /// <summary>Sentinels of the published ByT5 models.</summary>
    public const int DefaultExtraIds = 125;

    private const int Offset = 3;

    public int Count => Offset + 256;

    public int ExtraIds => extraIds;

    public int PadId => 0;

    public int EosId => 1;

    public int UnkId => 2;

    public string? TokenOf(int id) => id switch
    {
        0 => "<pad>",
        1 => "</s>",
        2 => "<unk>",
        >= Offset and < Offset + 256 => ((char)(id - Offset)).ToString(),
        _ when id >= Count && id < Count + extraIds => T5Tokenizer.SentinelName(id - Count),
        _ => null,
    };

    public int SentinelId(int k) => k >= 0 && k < extraIds ? Count + k : -1;

    public void Append(ReadOnlySpan<char> text, SegmentForm form, List<int> ids)
    {
        Span<byte> utf8 = stackalloc byte[4];
        foreach (var rune in text.EnumerateRunes())
        {
            var count = rune.EncodeToUtf8(utf8);
            foreach (var b in utf8[..count]) ids.Add(b + Offset);
        }
    }

    public string ApplyRules(ReadOnlySpan<char> text) => text.ToString();

    /// <summary>Bytes that are not UTF-8 are left out, as the reference does.</summary>
    public string Decode(ReadOnlySpan<int> ids, IReadOnlyDictionary<int, string>? added)
    {
        var bytes = new List<byte>(ids.Length);
        foreach (var id in ids)
        {
            if (added is not null && added.TryGetValue(id, out var content)) bytes.AddRange(Encoding.UTF8.GetBytes(content));
            else if (id is >= Offset and < Offset + 256) bytes.Add((byte)(id - Offset));
        }

        var text = new StringBuilder(bytes.Count);
        var rest = System.Runtime.InteropServices.CollectionsMarshal.AsSpan(bytes);
        while (!rest.IsEmpty)
        {
            if (Rune.DecodeFromUtf8(rest, out var rune, out var used) == System.Buffers.OperationStatus.Done) text.Append(rune.ToString());
            rest = rest[used..];
        }

        return text.ToString();
    }
}
