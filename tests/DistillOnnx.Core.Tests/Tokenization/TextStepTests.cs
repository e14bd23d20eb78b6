using System.Text.Json.Nodes;
using DistillOnnx.Core.Tokenization;
using DistillOnnx.Core.Tokenization.Models;
using DistillOnnx.TestSupport;

namespace DistillOnnx.Core.Tests.Tokenization;

/// <summary>Normalizers of a <c>tokenizer.json</c> beside the replacement rules.</summary>
public sealed class TextStepTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    [Theory]
    [InlineData("\u00c0 \u03a3\u0391\u03a3 Stra\u00dfe \u0130I \U00010400", "\u00e0 \u03c3\u03b1\u03c3 stra\u00dfe i\u0307i \U00010428")]
    [InlineData("", "")]
    public void Apply_Lowercase_IsDoneCharacterByCharacter(string text, string expected) =>
        Assert.Equal(expected, TextStep.Apply([new TextStep(TextStepKind.Lowercase)], text));

    [Fact]
    public void Load_LowercaseAndReplace_AreDoneInOrderBeforeTheRulesAndSaved()
    {
        Write("""[{"type":"Replace","pattern":{"String":"X"},"content":"Maya"},{"type":"Lowercase"},RULES]""");
        using var saved = new TemporaryDirectory();

        var tokenizer = T5Tokenizer.Load(_directory.Path);
        tokenizer.Save(saved.Path);

        var plain = TokenizerFixture.Load("nfkc");
        foreach (var loaded in (T5Tokenizer[])[tokenizer, T5Tokenizer.Load(saved.Path)])
        {
            Assert.Equal(plain.Encode("maya lost the \ufb01g"), loaded.Encode("X LOST the \ufb01g"));
            Assert.NotEqual(plain.Encode("X"), loaded.Encode("X"));
        }
    }

    /// <summary>The shape in which transformers 5.0 to 5.2 saved every T5: the rules are missing, and white space divides.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Load_NoNormalizer_DoesWithoutTheRulesThatTheModelWasNotTrainedWith(bool besideTheModel)
    {
        Write("[]");
        if (besideTheModel) File.WriteAllBytes(_directory["spiece.model"], TokenizerFixture.Bytes("nfkc"));
        using var saved = new TemporaryDirectory();

        var tokenizer = T5Tokenizer.Load(_directory.Path);
        tokenizer.Save(saved.Path);

        Assert.Equal(besideTheModel, tokenizer.Note is not null);
        Assert.False(File.Exists(saved["spiece.model"]));
        var rules = TokenizerFixture.Load("nfkc");
        foreach (var loaded in (T5Tokenizer[])[tokenizer, T5Tokenizer.Load(saved.Path)])
        {
            Assert.Equal(rules.Encode("maya lost it"), loaded.Encode(" maya\tlost\n\u3000it\u00a0"));
            Assert.DoesNotContain(rules.UnkId, rules.Encode("\ufb01g"));
            Assert.Contains(rules.UnkId, loaded.Encode("\ufb01g"));
        }
    }

    [Theory]
    [InlineData("""[RULES,{"type":"Lowercase"}]""", "Lowercase")]
    [InlineData("""[{"type":"NFKC"},RULES]""", "NFKC")]
    [InlineData("""[{"type":"Prepend","prepend":"\u2581"}]""", "Prepend")]
    [InlineData("""[{"type":"Replace","pattern":{"String":" "},"content":"\u2581"}]""", "Replace")]
    [InlineData("""[{"type":"Replace","pattern":{"Regex":"a+"},"content":"b"}]""", "Replace")]
    public void Load_StepThatCannotBeDone_IsNamed(string normalizers, string named)
    {
        Write(normalizers);
        var fault = Assert.Throws<InputException>(() => T5Tokenizer.Load(_directory.Path));
        Assert.Contains($"normalizer \"{named}\"", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_StepBesideAModelWithoutIt_IsRefused()
    {
        Write("""[{"type":"Lowercase"},RULES]""");
        File.WriteAllBytes(_directory["spiece.model"], TokenizerFixture.Bytes("nfkc"));
        var fault = Assert.Throws<InputException>(() => T5Tokenizer.Load(_directory.Path));
        Assert.Contains("Lowercase", fault.Message, StringComparison.Ordinal);
    }

    public void Dispose() => _directory.Dispose();

    /// <summary>Writes a <c>tokenizer.json</c> alone, with other normalizers; RULES are its own.</summary>
    private void Write(string normalizers)
    {
        TokenizerFixture.Load("nfkc").Save(_directory.Path);
        File.Delete(_directory["spiece.model"]);
        var json = JsonNode.Parse(File.ReadAllText(_directory["tokenizer.json"]))!;
        var list = JsonNode.Parse(normalizers.Replace("RULES", json["normalizer"]!.ToJsonString(), StringComparison.Ordinal))!;
        json["normalizer"] = list.AsArray().Count == 0 ? null : new JsonObject { ["type"] = "Sequence", ["normalizers"] = list };
        File.WriteAllText(_directory["tokenizer.json"], json.ToJsonString());
    }
}
