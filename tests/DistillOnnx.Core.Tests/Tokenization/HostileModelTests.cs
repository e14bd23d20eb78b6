using System.Diagnostics;
using System.Text;
using DistillOnnx.Core.Protobuf;
using DistillOnnx.Core.Tokenization;
using DistillOnnx.Core.Tokenization.Models;
using DistillOnnx.TestSupport;

namespace DistillOnnx.Core.Tests.Tokenization;

public class HostileModelTests
{
    [Fact]
    public void FromModel_Truncated_IsRefusedOrWhole()
    {
        var model = TokenizerFixture.Bytes("bytes");
        var refused = Enumerable.Range(0, 200).Count(i => !Survives(model[..(model.Length * i / 200)]));

        // Cut between two fields of the vocabulary a model is well-formed; only its pieces or special tokens may be missing.
        Assert.InRange(refused, 190, 200);
    }

    [Fact]
    public void FromModel_DamagedBytes_IsRefusedOrUsable()
    {
        var random = new Random(17);
        var refused = 0;
        for (var i = 0; i < 600; i++)
        {
            var model = TokenizerFixture.Bytes(i % 2 == 0 ? "bytes" : "nfkc");
            for (var n = random.Next(1, 8); n > 0; n--) model[random.Next(model.Length)] = (byte)random.Next(256);
            if (!Survives(model)) refused++;
        }

        Assert.InRange(refused, 50, 599);
    }

    [Fact]
    public void FromModel_DamagedCharsMap_IsRefusedOrUsable()
    {
        var random = new Random(23);
        var good = TokenizerFixture.Bytes("nfkc");
        var start = good.AsSpan().IndexOf("nmt_nfkc"u8) + 20;
        for (var i = 0; i < 100; i++)
        {
            var model = good.ToArray();
            for (var n = 0; n < 2000; n++) model[random.Next(start, model.Length)] = (byte)random.Next(256);
            Survives(model);
        }
    }

    [Theory]
    [InlineData(new byte[] { 0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0x03, 0x00 }, "1073741823 bytes")]
    [InlineData(new byte[] { 0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01 }, "18446744073709551615 bytes")]
    [InlineData(new byte[] { 0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01 }, "more than ten bytes")]
    [InlineData(new byte[] { 0x0A }, "within a varint")]
    [InlineData(new byte[] { 0x0B }, "field 1 of wire type 3")]
    [InlineData(new byte[] { 0x23 }, "wire type 3")]
    [InlineData(new byte[] { 0x00 }, "field number 0")]
    [InlineData(new byte[] { 0x08, 0x01 }, "field 1 of wire type 0")]
    [InlineData(new byte[] { }, "no pieces")]
    [InlineData(new byte[] { 0x22, 0x00 }, "no pieces")]
    public void FromModel_BrokenWireFormat_SaysWhat(byte[] model, string message)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        var fault = Assert.Throws<InputException>(() => T5Tokenizer.FromModel(model));

        Assert.Contains(message, fault.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', fault.Message);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }

    [Fact]
    public void FromModel_SemanticFaults_AreNamed()
    {
        var good = SentencePieceModelReader.Read(TokenizerFixture.Bytes("bytes"), "good");

        Refused(good, p => [.. p, p[300]], "are the same");
        Refused(good, p => [.. p, new Piece("", 0, PieceType.Normal)], "is empty");
        Refused(good, p => [.. p, new Piece("x\0", 0, PieceType.Normal)], "NUL");
        Refused(good, p => [.. p, new Piece(new string('x', 5000), 0, PieceType.Normal)], "5000 bytes");
        Refused(good, p => [.. p, new Piece("zz", float.NaN, PieceType.Normal)], "score NaN");
        Refused(good, p => [.. p, new Piece("zz", float.NegativeInfinity, PieceType.Normal)], "score -");
        Refused(good, p => [.. p, new Piece("zz", 0, (PieceType)9)], "type 9");
        Refused(good, p => [.. p, new Piece("zz", 0, PieceType.Unknown)], "both of type unknown");
        Refused(good, p => [.. p, new Piece("<0xZZ>", 0, PieceType.Byte)], "expected the form");
        Refused(good, p => [.. p.Where(x => x.Text != "<0x41>")], "255 byte pieces");
        Refused(good, p => [.. p.Where(x => x.Type != PieceType.Normal)], "no piece of type normal");
        Refused(good, p => [.. p.Select(x => x.Text == "</s>" ? x with { Text = "<end>" } : x)], "no control piece \"</s>\"");
        Refused(
            good, p => [.. p.Select(x => x.Text == "<pad>" ? x with { Type = PieceType.UserDefined } : x)], "no control piece \"<pad>\"");
    }

    [Fact]
    public void FromModel_OtherAlgorithm_IsRefused()
    {
        var bpe = new ProtoWriter().Bytes(2, new ProtoWriter().Varint(3, 2).ToArray()).ToArray();

        Assert.Contains("model type 2", Assert.Throws<InputException>(() => T5Tokenizer.FromModel(bpe)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_MissingFile_NamesIt()
    {
        using var directory = new TemporaryDirectory();

        Assert.Contains(
            "spiece.model", Assert.Throws<InputException>(() => T5Tokenizer.Load(directory.Path)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("{\"extra_ids\": -1}")]
    [InlineData("{\"extra_ids\": 2000000000}")]
    [InlineData("{\"extra_ids\": \"7\"}")]
    [InlineData("{")]
    public void Load_WrongConfig_IsRefused(string config)
    {
        using var directory = new TemporaryDirectory();
        File.WriteAllBytes(directory["spiece.model"], TokenizerFixture.Bytes("nfkc"));
        File.WriteAllText(directory["tokenizer_config.json"], config);

        Assert.Throws<InputException>(() => T5Tokenizer.Load(directory.Path));
    }

    /// <summary>Whether a model loads; one that does must tokenize and decode without another exception, and in bounded time.</summary>
    private static bool Survives(byte[] model)
    {
        var start = Stopwatch.GetTimestamp();
        try
        {
            var tokenizer = T5Tokenizer.FromModel(model);
            var text = new StringBuilder("Hello caf\u00e9 \ufb01ne e\u0301 \u4e2d\u6587 \U0001f600\u0000\t</s>").Append('a', 500)
                .ToString();
            var ids = tokenizer.Encode(text);
            Assert.All(ids, id => Assert.InRange(id, 0, tokenizer.VocabularySize - 1));
            tokenizer.Decode(ids);
            return true;
        }
        catch (InputException e)
        {
            Assert.DoesNotContain('\n', e.Message.Replace("\"\n\"", "", StringComparison.Ordinal));
            return false;
        }
        finally
        {
            // A generous bound: what it rules out is a loop or quadratic work, not a busy machine.
            Assert.InRange(Stopwatch.GetElapsedTime(start).TotalSeconds, 0, 20);
        }
    }

    private static void Refused(SentencePieceModel good, Func<IReadOnlyList<Piece>, IReadOnlyList<Piece>> change, string message)
    {
        var pieces = change(good.Pieces);
        var file = new ProtoWriter();
        foreach (var piece in pieces)
            file.Bytes(1, new ProtoWriter().Text(1, piece.Text).Float(2, piece.Score).Varint(3, (int)piece.Type).ToArray());
        file.Bytes(2, new ProtoWriter().Varint(3, 1).Varint(35, 1).ToArray());

        var fault = Assert.Throws<InputException>(() => T5Tokenizer.FromModel(file.ToArray()));
        Assert.Contains(message, fault.Message, StringComparison.Ordinal);
    }
}
