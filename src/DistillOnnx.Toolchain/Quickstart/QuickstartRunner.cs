using System.Diagnostics;
using System.Globalization;
using DistillOnnx.Core;
using DistillOnnx.Core.Prediction;
using DistillOnnx.Data;
using DistillOnnx.Stages.IO;
using DistillOnnx.Stages.Options;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.Teacher;
using DistillOnnx.Toolchain.Annotation;
using DistillOnnx.Toolchain.Evaluation;
using DistillOnnx.Toolchain.Export;
using DistillOnnx.Toolchain.Prediction;
using DistillOnnx.Toolchain.Training;
using DistillOnnx.Training.Trainer;

namespace DistillOnnx.Toolchain.Quickstart;

/// <summary>
/// The whole line on generated data: questions without reasons, a rule-based teacher that annotates them, a tiny student
/// trained step by step and, to compare, on labels alone, graphs, and a served answer. What a newcomer runs first, and what shows that a
/// machine is fit.
/// </summary>
public static class QuickstartRunner
{
    private const int ServedRows = 50;

    /// <summary>Runs the line.</summary>
    /// <param name="options">What to make and where.</param>
    /// <param name="serving">Serves the bundle for a few calls.</param>
    /// <param name="reporter">Receives progress.</param>
    /// <param name="cancellationToken">Stops the line; stages that were done stay.</param>
    /// <exception cref="InputException">The directory cannot be written, or holds what no quickstart made.</exception>
    public static async Task<QuickstartResult> RunAsync(
        QuickstartOptions options, IServingStage serving, IReporter reporter, CancellationToken cancellationToken = default)
    {
        var began = Stopwatch.GetTimestamp();
        string In(string name) => Path.Combine(Path.GetFullPath(options.Out), name);
        var (questions, annotated, bundle) = (In("questions"), In("dataset"), In("bundle"));
        var (checkpoint, labelsAlone) = (In("checkpoint"), In("labels-alone"));
        RequireOwn(options.Out, questions);

        reporter.Info($"1/7 generating questions: {questions}");
        QuickstartDataset.Generate(questions, options.Rows, options.Seed, overwrite: true);

        reporter.Info($"2/7 annotating them with the rule-based teacher: {annotated}");
        await AnnotateStage.RunAsync(
            new AnnotateOptions { Data = questions, Teacher = "rules", Out = annotated, Overwrite = true }, reporter, cancellationToken);

        reporter.Info($"3/7 training a tiny student step by step: {checkpoint}");
        await TrainStage.RunAsync(Training(options, annotated, checkpoint, TrainingMethod.StepByStep), reporter, cancellationToken);

        reporter.Info($"4/7 training the same student on the same rows' labels alone: {labelsAlone}");
        await TrainStage.RunAsync(Training(options, annotated, labelsAlone, TrainingMethod.Standard), reporter, cancellationToken);

        reporter.Info($"5/7 exporting the first to ONNX: {bundle}");
        await BundleExport.RunAsync(
            new ExportOptions { Model = checkpoint, Out = bundle, Data = annotated, Overwrite = true }, reporter, cancellationToken);

        reporter.Info("6/7 evaluating checkpoint and bundle on the test split");
        var dataset = Dataset.Open(annotated);
        var test = dataset.Load(SplitNames.Test);
        var byCheckpoint = Answers(checkpoint, dataset, test, options.Device, reporter, cancellationToken);
        var byBundle = Answers(bundle, dataset, test, options.Device, reporter, cancellationToken);
        var byLabelsAlone = Answers(labelsAlone, dataset, test, options.Device, reporter, cancellationToken).Result.Accuracy;
        var agreement = byCheckpoint.Labels.Zip(byBundle.Labels).Count(p => p.First == p.Second) / (double)test.Count;

        reporter.Info("7/7 serving the bundle on loopback and asking it over gRPC");
        var texts = test.Take(ServedRows).Select(r => r.Input).ToArray();
        var served = await serving.AskAsync(bundle, texts, options.Device, cancellationToken);
        reporter.Info(string.Create(
            CultureInfo.InvariantCulture,
            $"    {served.Address} answered \"{served.Labels[0]}\" (p = {served.Probabilities[0]:0.000}) to: {texts[0]}"));

        var rationale = Rationale(bundle, test[0], options.Device, reporter, cancellationToken);
        reporter.Info($"    asked why, the student writes: {rationale}");

        var result = new QuickstartResult
        {
            Accuracy = byBundle.Result.Accuracy,
            LabelsAloneAccuracy = byLabelsAlone,
            StepByStepAccuracy = byCheckpoint.Result.Accuracy,
            TrainRows = options.Rows,
            Chance = Chance.Of(dataset.Task, test)!.Value,
            CheckpointBundleAgreement = agreement,
            GrpcLabel = served.Labels[0],
            Rationale = rationale,
            GrpcMedianMs = served.MedianMilliseconds,
            Seconds = Stopwatch.GetElapsedTime(began).TotalSeconds,
            Bundle = bundle,
            Checkpoint = checkpoint,
            Dataset = annotated,
        };
        reporter.Info(string.Create(
            CultureInfo.InvariantCulture,
            $"test accuracy {result.Accuracy:P1} (chance {result.Chance:P1}), checkpoint and bundle agree on "
            + $"{agreement:P1}, {served.MedianMilliseconds:0.0} ms a gRPC call"));
        reporter.Info(string.Create(
            CultureInfo.InvariantCulture,
            $"the same {options.Rows} rows and {options.Steps} steps: labels alone {byLabelsAlone:P1}, step by step "
            + $"{result.StepByStepAccuracy:P1}, a difference of {100 * (result.StepByStepAccuracy - byLabelsAlone):+0.0;-0.0;0.0} points "
            + $"(one seed; a step of step by step reads the rationales besides)"));
        reporter.Info($"dataset {annotated}; checkpoint {checkpoint}; bundle {bundle}");
        reporter.Info(
            $"the student knows this world's words alone; ask it more with: scripts/distill predict --model {bundle} --explain "
            + $"--input {Path.Combine(annotated, SplitNames.FileName(SplitNames.Test))}");
        return result;
    }

    // A second run replaces the first without --overwrite; any other existing directory is refused.
    private static void RequireOwn(string directory, string questions)
    {
        if (!QuickstartDataset.IsOne(questions)) OutputDirectory.Require(directory, overwrite: false);
        Directory.CreateDirectory(directory);
    }

    /// <summary>Small enough for two cores in two minutes, large enough to follow a text of two sentences.</summary>
    private static TrainOptions Training(QuickstartOptions options, string data, string checkpoint, TrainingMethod method) => new()
    {
        Method = method,
        Data = data,
        Student = "t5-micro",
        Out = checkpoint,
        Overwrite = true,
        MaxSteps = options.Steps,
        BatchSize = 32,
        // What its words mean is the harder part, and what the rationales tell.
        Alpha = method == TrainingMethod.StepByStep ? 0.2 : null,
        LabelLoss = LabelLoss.ClosedSet,
        Dropout = 0,
        VocabularySize = 300,
        Seed = options.Seed,
        Device = options.Device,
    };

    private static string Rationale(string bundle, Example row, string device, IReporter reporter, CancellationToken cancellationToken)
    {
        using var predictor = PredictorFactory.Open(bundle, new InferenceOptions { Device = device }, reporter);
        return PredictorFactory.Explainer(predictor)
            .Explain([new PredictorInput(row.Input)], new ExplainSettings(), cancellationToken)[0].Text;
    }

    private static (EvaluateResult Result, List<string> Labels) Answers(
        string model, Dataset dataset, IReadOnlyList<Example> rows, string device, IReporter reporter, CancellationToken cancellationToken)
    {
        using var predictor = PredictorFactory.Open(model, new InferenceOptions { Device = device }, reporter);
        var labels = new List<string>(rows.Count);
        var measurement = new Measurement(dataset.Task, rows)
        {
            Reporter = reporter,
            Intervals = false,
            Answered = (_, answer, _) => labels.Add(answer.Label),
        };
        return (measurement.Of(predictor, cancellationToken), labels);
    }
}
