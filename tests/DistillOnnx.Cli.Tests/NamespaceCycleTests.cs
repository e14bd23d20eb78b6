namespace DistillOnnx.Cli.Tests;

/// <summary>
/// Holds that the namespaces of a project build on one another in one direction. A project's root namespace is what it shows
/// to others and what all its parts share, so uses between a namespace and those below it do not count.
/// </summary>
public sealed class NamespaceCycleTests
{
    public static TheoryData<string> Projects { get; } =
        [.. Directory.EnumerateDirectories(Path.Combine(Repository.Root, "src"), "DistillOnnx.*").Select(d => Path.GetFileName(d)!)
            .Order()];

    [Theory]
    [MemberData(nameof(Projects))]
    public void Namespaces_OfAProject_FormNoCycle(string project)
    {
        var edges = NamespaceGraph.Read(Assembly(project))
            .Where(e => !IsBelow(e.Key.From, e.Key.To) && !IsBelow(e.Key.To, e.Key.From)).ToDictionary();

        var cycles = Cycles(edges.Keys).Select(c => string.Join(" ", c.Select(n => n[(project.Length + 1)..])));

        var uses = edges.Where(e => Cycles(edges.Keys).Any(c => c.Contains(e.Key.From) && c.Contains(e.Key.To)))
            .Select(e => $"{e.Key.From} -> {e.Key.To}: {e.Value}");
        Assert.True(!cycles.Any(), $"{string.Join("; ", cycles)}\n{string.Join("\n", uses)}");
    }

    [Fact]
    public void Cycles_OfAGraphThatHasOne_AreFound()
    {
        Assert.Equal([["a", "b", "c"]], Cycles([("a", "b"), ("b", "c"), ("c", "a"), ("c", "d"), ("e", "a")]));
        Assert.Empty(Cycles([("a", "b"), ("a", "c"), ("b", "c")]));
    }

    [Fact]
    public void Graph_OfTheServer_HasWhatBodiesAndSignaturesUse()
    {
        var edges = NamespaceGraph.Read(Assembly("DistillOnnx.Server"));

        Assert.Contains(("DistillOnnx.Server.Hosting", "DistillOnnx.Server.Services"), edges.Keys);
        Assert.DoesNotContain(("DistillOnnx.Server.Services", "DistillOnnx.Server.Hosting"), edges.Keys);
    }

    private static string Assembly(string project) =>
        Path.Combine(AppContext.BaseDirectory, (project == "DistillOnnx.Cli" ? "distill" : project) + ".dll");

    private static bool IsBelow(string inner, string outer) => inner.StartsWith(outer + ".", StringComparison.Ordinal);

    /// <summary>The sets of nodes that can all reach one another, each in order.</summary>
    private static List<string[]> Cycles(IEnumerable<(string From, string To)> edges)
    {
        var next = edges.ToLookup(e => e.From, e => e.To);
        var reach = next.ToDictionary(n => n.Key, n => Reach(n.Key, next));
        return [.. reach.Keys.Where(n => reach[n].Contains(n))
            .Select(n => reach[n].Where(m => reach.TryGetValue(m, out var back)
                && back.Contains(n)).Order(StringComparer.Ordinal).ToArray())
            .DistinctBy(c => c[0]).OrderBy(c => c[0], StringComparer.Ordinal)];
    }

    private static HashSet<string> Reach(string from, ILookup<string, string> next)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var left = new Stack<string>(next[from]);
        while (left.TryPop(out var node))
        {
            if (!seen.Add(node)) continue;
            foreach (var other in next[node]) left.Push(other);
        }

        return seen;
    }
}
