using DistillOnnx.Core;
using DistillOnnx.Core.Bundles;
using DistillOnnx.Core.T5;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Core.Tokenization;
using DistillOnnx.Runtime.Devices;
using DistillOnnx.Runtime.Generation;
using DistillOnnx.Runtime.Labels;
using DistillOnnx.Runtime.Sessions;

namespace DistillOnnx.Runtime;

/// <summary>An opened bundle directory. Graphs are loaded when they are first asked for, and once.</summary>
public sealed class Bundle : IDisposable
{
    private readonly Lock _gate = new();
    private readonly SessionFactory _sessions;
    private LabelModel? _labels;
    private TextGenerator? _generator;
    private EncoderGraph? _encoder;
    private bool _disposed;

    private Bundle(string directory, RuntimeOptions options, BundleManifest manifest, T5Config config)
    {
        Directory = directory;
        Options = options;
        Manifest = manifest;
        Config = config;
        _sessions = new SessionFactory(options);
        Precision = ChoosePrecision();
        Tokenizer = T5Tokenizer.Load(directory);
        Tokenizer.RequireRows(config.VocabSize, "\"vocab_size\"");
        Tokenizer.RequireTokensOf(config, Path.Combine(directory, T5Config.FileName));
        Encoder = new InputEncoder(Tokenizer, manifest.Task);
    }

    /// <summary>The bundle's directory.</summary>
    public string Directory { get; }

    /// <summary>What the bundle says about itself.</summary>
    public BundleManifest Manifest { get; }

    /// <summary>The task that the student was trained for.</summary>
    public TaskSpec Task => Manifest.Task;

    /// <summary>Shape of the student.</summary>
    public T5Config Config { get; }

    /// <summary>Its tokenizer.</summary>
    public T5Tokenizer Tokenizer { get; }

    /// <summary>Turns texts into what the graphs read.</summary>
    public InputEncoder Encoder { get; }

    /// <summary>How it is run.</summary>
    public RuntimeOptions Options { get; }

    /// <summary>The device chosen.</summary>
    public RuntimeDevice Device => _sessions.Device;

    /// <summary>The precision chosen, for instance <c>fp32</c>.</summary>
    public string Precision { get; }

    /// <summary>Most rows and tokens of a run: what the options say, else what suits the device and the runs.</summary>
    /// <param name="decoding">Whether runs decode texts step by step.</param>
    internal RunLimits Limits(bool decoding)
    {
        var device = decoding ? RunLimits.ForDecoding(Device.Kind) : RunLimits.ForMany(Device.Kind);
        return new RunLimits(
            Options.MaxBatchRows > 0 ? Options.MaxBatchRows : device.Rows,
            Options.MaxBatchTokens > 0 ? Options.MaxBatchTokens : device.Tokens);
    }

    /// <summary>The shapes that runs are rounded to.</summary>
    internal RunShapes Shapes => _sessions.BindsRuns ? RunShapes.Rounded : RunShapes.AsTheyAre;

    /// <summary>What a GPU does otherwise than it could with this bundle, and why: a sentence each, empty on a processor.</summary>
    public IReadOnlyList<string> Notes => _labels?.Note is { } note ? [note] : [];

    /// <summary>
    /// Whether rows may share a run: not in int8 graphs of older bundles, whose activations were scaled over the whole run.
    /// </summary>
    internal bool RowsIndependent => Precision != "int8" || Manifest.PrecisionDetails[Precision].RowsIndependent;

    /// <summary>Whether the bundle holds a label graph of the chosen precision.</summary>
    public bool HasLabelModel =>
        Manifest.Files.ContainsKey(BundleFiles.Graph(BundleFiles.LabelModel, Precision)) || File.Exists(GraphPath(BundleFiles.LabelModel));

    /// <summary>
    /// Whether the bundle holds the encoder and decoder graphs of the chosen precision, which write text. Loads nothing.
    /// </summary>
    public bool HasTextModel
    {
        get
        {
            lock (_gate)
            {
                if (_generator is not null) return true;
            }

            bool Has(string graph) => File.Exists(GraphPath(graph));
            return Has(BundleFiles.Encoder)
                && (Has(BundleFiles.DecoderMerged) || (Has(BundleFiles.Decoder) && Has(BundleFiles.DecoderWithPast)));
        }
    }

    /// <summary>Opens a bundle. Reads the manifest, the configuration and the tokenizer; no graph yet.</summary>
    /// <param name="directory">The bundle directory.</param>
    /// <param name="options">How to run it; null: the defaults.</param>
    /// <exception cref="InputException">The directory is no whole bundle, the device is not there, or the bundle lacks the
    /// precision.</exception>
    public static Bundle Open(string directory, RuntimeOptions? options = null)
    {
        options ??= new RuntimeOptions();
        var faults = options.Validate();
        if (faults.Count > 0) throw new InputException(string.Join("; ", faults));
        if (!System.IO.Directory.Exists(directory)) throw new InputException($"{directory}: no such directory; expected a bundle");
        var manifest = BundleManifest.Load(directory);
        // Without its spiece.model a tokenizer could still be read from tokenizer.json; a bundle that lost a file is not whole.
        foreach (var name in BundleFiles.Shared) manifest.Verify(directory, name, options.VerifyHashes);
        return new Bundle(directory, options, manifest, T5Config.Load(directory));
    }

    /// <summary>The label graph.</summary>
    /// <exception cref="InputException">The bundle has none, or it cannot be loaded.</exception>
    public LabelModel LabelModel()
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            // Padding rows would change what such a graph answers to the others.
            return _labels ??= Labels.LabelModel.Load(
                _sessions, Checked(BundleFiles.LabelModel), Config, Task, Encoder, binds: RowsIndependent);
        }
    }

    /// <summary>The encoder and decoder graphs.</summary>
    /// <exception cref="InputException">The bundle lacks them, or they cannot be loaded.</exception>
    public TextGenerator TextGenerator()
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (_generator is not null) return _generator;
            var encoder = _encoder ?? EncoderGraph.Load(_sessions, Checked(BundleFiles.Encoder), Config.DModel);
            try
            {
                _generator = new TextGenerator(encoder, LoadDecoder(), Config);

                // It is the generator's from here on.
                _encoder = null;
                return _generator;
            }
            catch
            {
                if (_encoder is null) encoder.Dispose();
                throw;
            }
        }
    }

    /// <summary>The encoder graph alone.</summary>
    /// <exception cref="InputException">The bundle has none, or it cannot be loaded.</exception>
    internal EncoderGraph EncoderModel()
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (_generator is not null) return _generator.Encoder;
            if (_encoder is not null) return _encoder;
            // A graph that the manifest names and that is lost is a fault of the files; only one that it does not name was never exported.
            var path = Checked(BundleFiles.Encoder);
            if (!File.Exists(path))
                throw new InputException($"{path}: no such file; the encoder's states need a bundle exported with --graphs all or seq2seq");
            return _encoder = EncoderGraph.Load(_sessions, path, Config.DModel);
        }
    }

    /// <summary>What scores the task's closed set: the label graph or the decoder, as the options and the bundle say.</summary>
    /// <exception cref="InputException">The task is open, or the graphs cannot be loaded.</exception>
    public ILabelScorer LabelScorer()
    {
        if (Task.Kind == TaskKind.Text)
            throw new InputException($"{Directory}: task \"{Task.Name}\" is open text and has no label set to score");
        var label = Options.Graph switch
        {
            GraphChoice.Label => true,
            GraphChoice.Decoder => false,
            _ => HasLabelModel,
        };
        return label
            ? LabelModel()
            : new DecoderLabelScorer(TextGenerator(), Config, Task.Labels is null ? null : Encoder.BuildTrie(Task.Labels));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_disposed) return;
            _disposed = true;
            _labels?.Dispose();
            _generator?.Dispose();
            _encoder?.Dispose();
        }
    }

    private DecoderGraph LoadDecoder()
    {
        var merged = GraphPath(BundleFiles.DecoderMerged);
        return File.Exists(merged) || !File.Exists(GraphPath(BundleFiles.Decoder))
            ? DecoderGraph.LoadMerged(_sessions, Checked(BundleFiles.DecoderMerged), Config)
            : DecoderGraph.LoadPair(_sessions, Checked(BundleFiles.Decoder), Checked(BundleFiles.DecoderWithPast), Config);
    }

    private string ChoosePrecision()
    {
        const string half = "fp16";

        // The manifest lists full precision first, where the bundle has it.
        if (Options.Precision == "auto")
            return Device.Kind == DeviceKind.Cuda && Manifest.Precisions.Contains(half, StringComparer.Ordinal)
                ? half
                : Manifest.Precisions[0];
        if (!Manifest.Precisions.Contains(Options.Precision, StringComparer.Ordinal))
            throw new InputException(
                $"{Directory}: precision \"{Options.Precision}\" is not in this bundle, which has "
                    + $"{string.Join(", ", Manifest.Precisions)}");
        return Options.Precision;
    }

    /// <summary>The path of a graph that is to be loaded, held against the manifest.</summary>
    private string Checked(string graph)
    {
        var name = BundleFiles.Graph(graph, Precision);
        foreach (var file in (string[])[name, name + "_data"]) Manifest.Verify(Directory, file, Options.VerifyHashes);
        return GraphPath(graph);
    }

    private string GraphPath(string graph) =>
        Path.Combine(Directory, BundleFiles.Graph(graph, Precision).Replace('/', Path.DirectorySeparatorChar));
}
