using DistillOnnx.Core.Tasks;
using DistillOnnx.Data;

namespace DistillOnnx.Benchmarks.Selection;

/// <summary>
/// Generated tickets as pools in use are: four classes of unequal size, each told by one of its own words, of which few are common and
/// many are rare (the n-th as often as 1/n), among words that say nothing. Who has seen a word knows the class of its rows.
/// </summary>
internal static class TicketPool
{
    private const int ClassWords = 60;
    private const int Fillers = 40;

    // Of a hundred rows, those up to this number are of the class.
    private static readonly int[] Shares = [55, 80, 92, 100];

    private static readonly TaskSpec Task = new()
    {
        Name = "tickets",
        Kind = TaskKind.Labels,
        Labels = ["bug", "question", "request", "praise"],
    };

    /// <summary>Writes a dataset whose train rows have the label as a teacher's, and whose test rows have it as gold.</summary>
    /// <param name="directory">Where to.</param>
    /// <param name="rows">Train rows.</param>
    /// <param name="test">Test rows.</param>
    public static void Write(string directory, int rows, int test)
    {
        var random = new SplitMix64(7);
        var words = Words(random);
        using var writer = DatasetWriter.Create(directory, Task);
        for (var i = 0; i < rows + test; i++)
        {
            var kind = Kind(random);
            var text = Text(random, words, kind);
            var label = Task.Labels![kind];
            if (i < rows) writer.Write(SplitNames.Train, new Example { Id = $"{i}", Input = text, TeacherLabel = label });
            else writer.Write(SplitNames.Test, new Example { Id = $"{i}", Input = text, Label = label });
        }

        writer.Commit();
    }

    private static int Kind(SplitMix64 random)
    {
        var share = random.Next(100);
        return Array.FindIndex(Shares, s => share < s);
    }

    private static string Text(SplitMix64 random, string[] words, int kind)
    {
        var text = new string[8 + random.Next(5)];
        for (var i = 0; i < text.Length; i++) text[i] = words[(Shares.Length * ClassWords) + random.Next(Fillers)];
        text[random.Next(text.Length)] = words[(kind * ClassWords) + Rank(random)];
        return string.Join(' ', text);
    }

    // The n-th word as often as 1/n: the inverse of the logarithm that the sums of 1/n come near to.
    private static int Rank(SplitMix64 random) => (int)Math.Pow(ClassWords + 1, random.NextDouble()) - 1;

    private static string[] Words(SplitMix64 random)
    {
        const string consonants = "bdfgklmnprstvz", vowels = "aeiou";
        var words = new HashSet<string>(StringComparer.Ordinal);
        while (words.Count < (Shares.Length * ClassWords) + Fillers)
        {
            var word = "";
            for (var i = 0; i < 3; i++) word += $"{consonants[random.Next(consonants.Length)]}{vowels[random.Next(vowels.Length)]}";
            words.Add(word);
        }

        return [.. words];
    }
}
