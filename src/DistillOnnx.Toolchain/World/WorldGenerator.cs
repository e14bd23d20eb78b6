using DistillOnnx.Data;

namespace DistillOnnx.Toolchain.World;

/// <summary>
/// Makes texts and questions of one depth, in several phrasings; what a question has no condition about says nothing about its answer.
/// A fifth of the combinations of a thing and a place is held out: rows of training never have one of them, rows of the other splits
/// always do.
/// </summary>
/// <param name="depth">Conditions of a question, 1 to <see cref="MaxDepth"/>: steps of reasoning, each from a word of the text to what it
/// means and from that to whether the condition holds. The answer is yes where all hold.</param>
/// <param name="seed">Equal seeds give equal sequences.</param>
internal sealed class WorldGenerator(int depth, long seed)
{
    /// <summary>How many labels there are: 0 yes, 1 no, 2 unknown.</summary>
    public const int Labels = 3;

    // One in so many combinations is held out.
    private const int HeldOut = 5;

    private readonly SplitMix64 _random = new(seed);

    /// <summary>The largest depth.</summary>
    public static int MaxDepth => WorldWords.Aspects.Count;

    /// <summary>The next row's input.</summary>
    /// <param name="label">Which label it is made for.</param>
    /// <param name="heldOut">Whether its thing and place are a combination that is held out.</param>
    public string Next(int label, bool heldOut)
    {
        string[] words;
        do words = [.. WorldWords.Aspects.Select(a => Pick(a.Words))];
        while (IsHeldOut(words[0], words[1]) != heldOut);

        var conditions = new string?[words.Length];
        var asked = Enumerable.Range(0, words.Length).ToArray();
        _random.Shuffle(asked.AsSpan());
        bool all;
        do
        {
            all = true;
            foreach (var i in asked[..depth])
            {
                var (aspect, known) = (WorldWords.Aspects[i], WorldWords.Aspects[i].Values[words[i]]);
                var holds = label == 0 || _random.Next(2) == 0;
                conditions[i] = holds ? known : Pick([.. aspect.Meanings.Where(m => m != known)]);
                all &= holds;
            }
        }
        while (label == 1 && all);

        var name = Pick(WorldWords.Names);
        var other = label == 2 ? Pick([.. WorldWords.Names.Where(n => n != name)]) : name;
        return new WorldText(name, _random.Next(WorldWords.Verbs.Count), words, other, conditions).Write(_random.Next(WorldText.Forms));
    }

    /// <summary>A fixed part of all combinations, whatever the seed, so that datasets of different seeds can be put together.</summary>
    public static bool IsHeldOut(string thing, string place)
    {
        var hash = 0L;
        foreach (var letter in $"{thing} {place}") hash = unchecked((hash * 1_000_003) + letter);
        return new SplitMix64(hash).Next(HeldOut) == 0;
    }

    private T Pick<T>(IReadOnlyList<T> items) => items[_random.Next(items.Count)];
}
