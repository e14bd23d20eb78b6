using System.Text;

namespace DistillOnnx.TestSupport;

/// <summary>A SentencePiece Unigram model of letters and a few words, laid out as T5's: pad 0, end 1, unknown 2.</summary>
internal static class TinyTokenizer
{
    private static readonly string[] Words = [
        "▁the", "▁yes", "▁no", "▁may", "be", "▁be", "ing", "▁it", "▁is", "▁not", "▁and", "▁predict", "▁a"
    ];

    /// <summary>The file's bytes. 100 further ids are the sentinels'.</summary>
    public static byte[] SpieceModel { get; } = Build();

    /// <summary>
    /// A model as large as T5's in which the three labels of natural-language inference have the very ids that T5's own gives
    /// them (<c>entailment</c> 3 35 5756 297, <c>neutral</c> 7163, <c>contradiction</c> 27252); the other pieces fill it up.
    /// </summary>
    public static byte[] NliSized()
    {
        var known = new Dictionary<int, string>
        {
            [3] = "▁",
            [35] = "en",
            [5756] = "tail",
            [297] = "ment",
            [7163] = "▁neutral",
            [27252] = "▁contradiction",
        };
        return Build(Enumerable.Range(3, 32_000 - 3).Select(id => (known.GetValueOrDefault(id, $"w{id}"), -(float)Math.Log(id))));
    }

    private static byte[] Build()
    {
        var words = Words.Select((word, i) => (word, -3 - (0.1f * i)));
        var letters = Enumerable.Range('!', '~' - '!' + 1).Select(c => (((char)c).ToString(), -6 - (0.01f * c)));
        return Build([("▁", -2), .. words, .. letters]);
    }

    private static byte[] Build(IEnumerable<(string Text, float Score)> pieces)
    {
        using var model = new MemoryStream();
        void Piece(string text, float score, int type)
        {
            using var piece = new MemoryStream();
            Bytes(piece, 1, Encoding.UTF8.GetBytes(text));
            piece.WriteByte((2 << 3) | 5);
            piece.Write(BitConverter.GetBytes(score));
            if (type != 1) Number(piece, 3, type);
            Bytes(model, 1, piece.ToArray());
        }

        Piece("<pad>", 0, 3);
        Piece("</s>", 0, 3);
        Piece("<unk>", 0, 2);
        foreach (var (text, score) in pieces) Piece(text, score, 1);

        using var trainer = new MemoryStream();
        Number(trainer, 3, 1);
        Number(trainer, 40, 2);
        Number(trainer, 41, -1);
        Number(trainer, 42, 1);
        Number(trainer, 43, 0);
        Bytes(model, 2, trainer.ToArray());
        using var normalizer = new MemoryStream();
        Bytes(normalizer, 1, "identity"u8.ToArray());
        Number(normalizer, 3, 1);
        Number(normalizer, 4, 1);
        Number(normalizer, 5, 1);
        Bytes(model, 3, normalizer.ToArray());
        return model.ToArray();
    }

    private static void Number(Stream to, int field, long value)
    {
        Varint(to, (ulong)field << 3);
        Varint(to, (ulong)value);
    }

    private static void Bytes(Stream to, int field, byte[] value)
    {
        Varint(to, ((ulong)field << 3) | 2);
        Varint(to, (ulong)value.Length);
        to.Write(value);
    }

    private static void Varint(Stream to, ulong value)
    {
        for (; value >= 0x80; value >>= 7) to.WriteByte((byte)(value | 0x80));
        to.WriteByte((byte)value);
    }
}
