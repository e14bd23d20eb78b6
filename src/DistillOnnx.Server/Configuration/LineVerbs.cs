namespace DistillOnnx.Server.Configuration;

/// <summary>
/// The verbs of the whole line. A configuration file may have a part for each, and the server's executable takes the same file as
/// <c>distill serve</c>.
/// </summary>
internal static class LineVerbs
{
    /// <summary>Their names, those of the command line.</summary>
    public static IReadOnlyList<string> All { get; } =
    [
        "import", "annotate", "train", "pretrain", "evaluate", "export", "predict", ServerCommand.Verb, "study", "quickstart", "info",
        "report", "inspect", "select", "improve",
    ];
}
