using DistillOnnx.Core;
using DistillOnnx.Core.Tests.Tokenization;
using DistillOnnx.Core.Tokenization;
using DistillOnnx.Core.Tokenization.Models;
using DistillOnnx.TestSupport;
using DistillOnnx.Training.TokenizerTraining;

namespace DistillOnnx.Training.Tests.TokenizerTraining;

public class UnigramTrainerTests
{
    private static readonly string[] Names = ["Maya", "Tomás", "Zoë", "Ingrid", "Ben", "Okonkwo"];
    private static readonly string[] Acts = ["counted", "carried", "painted", "borrowed", "collected", "measured", "planted"];
    private static readonly string[] Things =
        ["apples", "lanterns", "bicycles", "letters", "batteries", "violins", "seedlings", "tomatoes"];

    [Fact]
    public void Train_SameText_GivesSameBytes() =>
        Assert.Equal(UnigramTrainer.Train(Sentences(1)), UnigramTrainer.Train(Sentences(1).Reverse()));

    [Fact]
    public void Train_Pieces_HaveT5Layout()
    {
        var tokenizer = T5Tokenizer.FromModel(UnigramTrainer.Train(Sentences(2), new UnigramTrainerOptions { VocabularySize = 120 }));

        Assert.Equal((0, 1, 2), (tokenizer.PadId, tokenizer.EosId, tokenizer.UnkId));
        Assert.Equal(120, tokenizer.Model.Pieces.Count);
        Assert.Equal(219, tokenizer.SentinelId(0));
        Assert.All(tokenizer.Model.Pieces.Skip(4).Zip(tokenizer.Model.Pieces.Skip(3)), p => Assert.True(p.First.Score <= p.Second.Score));
    }

    [Fact]
    public void Train_TextLearntFrom_DecodesToItselfWithoutUnknowns()
    {
        var sentences = Sentences(3).ToArray();
        var tokenizer = T5Tokenizer.FromModel(UnigramTrainer.Train(sentences));

        foreach (var sentence in sentences)
        {
            var ids = tokenizer.Encode(sentence);
            Assert.DoesNotContain(tokenizer.UnkId, ids);
            Assert.Equal(sentence, tokenizer.Decode(ids));
        }
    }

    [Fact]
    public void Train_FrequentWords_BecomePieces()
    {
        var tokenizer = T5Tokenizer.FromModel(UnigramTrainer.Train(Sentences(4)));

        Assert.All(Things, t => Assert.Single(tokenizer.Encode(t, appendEos: false)));
    }

    [Fact]
    public void Train_SplitDigits_GivesOnePieceADigit()
    {
        var tokenizer = T5Tokenizer.FromModel(UnigramTrainer.Train(Sentences(5), new UnigramTrainerOptions { SplitDigits = true }));

        var pieces = tokenizer.Model.Pieces.Where(p => p.Text.Any(char.IsAsciiDigit)).ToArray();

        Assert.NotEmpty(pieces);
        Assert.All(pieces, p => Assert.Equal(1, p.Text.Count(c => c != SentencePieceModel.Space)));
    }

    [Fact]
    public void Train_VocabularyBelowCharacters_IsRefused()
    {
        var fault = Assert.Throws<InputException>(
            () => UnigramTrainer.Train(Sentences(6), new UnigramTrainerOptions { VocabularySize = 20 }));

        Assert.Contains("cannot hold", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Train_EmptyText_IsRefused() => Assert.Throws<InputException>(() => UnigramTrainer.Train(["", "  \t"]));

    [Fact]
    public void Train_WrongOptions_NamesAllFaults()
    {
        var fault = Assert.Throws<InputException>(() =>
            UnigramTrainer.Train(["x"], new UnigramTrainerOptions { VocabularySize = 1, CharacterCoverage = 0, MaxPieceLength = 0 }));

        Assert.Equal(3, fault.Message.Split(';').Length);
    }

    [Fact]
    public void Train_SpacesAndControls_AreNormalised()
    {
        var tokenizer = T5Tokenizer.FromModel(UnigramTrainer.Train(Sentences(7)));

        var plain = tokenizer.Encode("Maya counted 3 apples");

        Assert.Equal(plain, tokenizer.Encode("\ufeffMaya\u00a0\t counted\u0007\r\n\uff13\u3000apples\u200b"));
    }

    [Fact]
    public void Train_Model_GivesSameIdsInSentencePiece()
    {
        using var directory = new TemporaryDirectory();
        var tokenizer = T5Tokenizer.FromModel(UnigramTrainer.Train(Sentences(8), new UnigramTrainerOptions { VocabularySize = 400 }));
        tokenizer.Save(directory.Path);
        var lines = TokenizerFixture.Golden("nfkc").Select(r => r.Text).Where(t => !t.Contains('\n') && !t.Contains('\0'))
            .Concat(Sentences(9)).ToArray();

        var reference = SentencePiece.Encode(directory["spiece.model"], lines);

        Assert.Equal(reference, lines.Select(l => tokenizer.Encode(l, appendEos: false)));
    }

    private static IEnumerable<string> Sentences(int seed)
    {
        var random = new Random(seed);
        string Any(string[] words) => words[random.Next(words.Length)];
        return Enumerable.Range(0, 400).Select(_ =>
            $"{Any(Names)} {Any(Acts)} {random.Next(100)} {Any(Things)}, and {Any(Names)} {Any(Acts)} "
            + $"the {Any(Things)} ({random.Next(9)}-{random.Next(9)}).").ToArray();
    }
}
