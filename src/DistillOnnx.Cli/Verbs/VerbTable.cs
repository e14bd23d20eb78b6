using DistillOnnx.Cli.Output;
using DistillOnnx.Cli.Serving;
using DistillOnnx.Server;
using DistillOnnx.Stages.Options;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.Teacher;
using DistillOnnx.Toolchain.Annotation;
using DistillOnnx.Toolchain.Evaluation;
using DistillOnnx.Toolchain.Export;
using DistillOnnx.Toolchain.Import;
using DistillOnnx.Toolchain.Improvement;
using DistillOnnx.Toolchain.Info;
using DistillOnnx.Toolchain.Inspect;
using DistillOnnx.Toolchain.Prediction;
using DistillOnnx.Toolchain.Quickstart;
using DistillOnnx.Toolchain.Reports;
using DistillOnnx.Toolchain.Selection;
using DistillOnnx.Toolchain.Study;
using DistillOnnx.Toolchain.Training;
using DistillOnnx.Training.Parallel;
using DistillOnnx.Training.Pretraining;
using DistillOnnx.Training.Trainer;

namespace DistillOnnx.Cli.Verbs;

/// <summary>Every verb of the command line, in the order of the line from data to service.</summary>
internal static class VerbTable
{
    /// <summary>The verbs.</summary>
    public static IReadOnlyList<Verb> All { get; } =
    [
        Of<ImportOptions>(
            "import",
            "Make a dataset from the paper's own files, or from JSONL, CSV, TSV, Excel or Parquet.",
            (o, r, c) => Run(() => DatasetImporter.Import(o, r, c))),
        Of<AnnotateOptions>(
            "annotate",
            "Get rationales and labels from a teacher: a language model or rules.",
            async (o, r, c) => await AnnotateStage.RunAsync(o, r, c)),
        Of<SelectOptions>(
            "select",
            "Take the rows of a pool that are most worth asking a teacher about.",
            async (o, r, c) => await SelectStage.RunAsync(o, r, c)),
        Of<TrainOptions>(
            "train",
            "Train a student: step by step, on labels alone, or on both in one target.",
            async (o, r, c) => OfReportingRank(o.Parallel, await TrainStage.RunAsync(o, r, c))),
        Of<PretrainOptions>(
            "pretrain",
            "Pretrain a student by T5's span corruption: initial weights, or adaptation to a domain.",
            async (o, r, c) => OfReportingRank(o.Parallel, await StudentPretrainer.RunAsync(o, r, c))),
        Of<EvaluateOptions>(
            "evaluate", "Measure a checkpoint or a bundle on a split of a dataset.", async (o, r, c) => await Evaluator.RunAsync(o, r, c)),
        Of<ExportOptions>(
            "export",
            "Convert a checkpoint to ONNX graphs, and check that they are equal to it.",
            async (o, r, c) => await BundleExport.RunAsync(o, r, c)),
        Of<PredictOptions>("predict", "Label JSONL rows with a bundle.", async (o, r, c) => await BatchPredictor.RunAsync(o, r, c)),
        Of<ServerOptions>(ServeVerb.Name, "Serve bundles over gRPC and JSON.", (o, _, c) => ServeVerb.RunAsync(o, c)),
        Of<ImproveOptions>(
            "improve",
            "Make a student better in rounds that ask the teacher only where it pays.",
            async (o, r, c) => await ImproveStage.RunAsync(o, r, c)),
        Of<StudyOptions>(
            "study",
            "Run the paper's comparison: methods on shares of the data with several seeds.",
            async (o, r, c) => await Study.RunAsync(o, r, c)),
        Of<QuickstartOptions>("quickstart", "Run the whole line on generated data.", QuickstartAsync),
        Of<InfoOptions>(
            "info",
            "Show versions, devices, execution providers, and how to get what is missing.",
            (_, _, c) => Run(() => InfoReport.Create(c))),
        Of<ReportOptions>(
            "report",
            "Gather datasets, curves, models and their accuracy in one HTML page.",
            async (o, r, c) => await DirectoryReport.RunAsync(o, r, c)),
        Of<InspectOptions>(
            "inspect", "Show what a checkpoint, a bundle or a dataset contains.", (o, r, c) => Run(() => Inspector.Run(o, r, c))),
    ];

    /// <summary>Their names.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. All.Select(v => v.Name)];

    // Its last line is its result object, asked for or not: that is what a script that tries a machine reads.
    private static async Task<object?> QuickstartAsync(QuickstartOptions options, IReporter reporter, CancellationToken cancellationToken)
    {
        ResultPrinter.Print(await QuickstartRunner.RunAsync(options, new GrpcServingStage(), reporter, cancellationToken), json: true);
        return null;
    }

    // Every process of a group computes the same result; one prints it.
    private static object? OfReportingRank(ParallelKind kind, object result) => ParallelProcess.IsReportingRank(kind) ? result : null;

    // Synchronous stages run on the pool, so that the main thread stays free for signals.
    private static Task<object?> Run(Func<object?> work) => Task.Run(work);

    private static Verb Of<T>(string name, string summary, Func<T, IReporter, CancellationToken, Task<object?>> run)
        where T : IStageOptions =>
            new(name, summary, static () => typeof(T), (options, reporter, token) => run((T)options, reporter, token));
}
