namespace DistillOnnx.Benchmarks.Tokenizer;

/// <summary>Sentences for machines without real data: always the same ones.</summary>
internal static class GeneratedText
{
    private static readonly string[] Subjects = [
        "A farmer", "The old sailor", "Our neighbour", "Every student", "Maya", "A tall woman in a red coat", "Somebody"
    ];
    private static readonly string[] Verbs = [
        "counted", "carried", "quickly repaired", "borrowed", "collected", "could not find", "was looking at", "gave away"
    ];
    private static readonly string[] Objects = [
        "apples", "wooden boxes", "lanterns", "blue bicycles", "old letters", "ceramic cups", "batteries", "train tickets"
    ];
    private static readonly string[] Places = [
        "in the market", "near the river", "at the station", "behind the house", "during the festival", "because it was late"
    ];

    /// <summary>Makes sentences.</summary>
    /// <param name="count">How many.</param>
    public static IEnumerable<string> Lines(int count)
    {
        var random = new Random(1);
        string Any(string[] words) => words[random.Next(words.Length)];
        for (var i = 0; i < count; i++)
            yield return ($"{Any(Subjects)} {Any(Verbs)} {random.Next(2, 200)} {Any(Objects)} {Any(Places)}, so "
                + $"{random.Next(200)} are left {Any(Places)}.");
    }
}
