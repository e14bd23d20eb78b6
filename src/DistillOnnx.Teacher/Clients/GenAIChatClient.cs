using System.Text;
using System.Text.Json;
using Microsoft.Extensions.AI;
using Microsoft.ML.OnnxRuntimeGenAI;

namespace DistillOnnx.Teacher.Clients;

/// <summary>
/// A language model within this process, on ONNX Runtime GenAI: one request after another, each from an empty state. The package's own
/// client finds a stop sequence only where it is a single token, repeats the last token where the model ends, and calls an answer cut
/// that ends with its last allowed token.
/// </summary>
internal sealed class GenAIChatClient : IChatClient
{
    private readonly Model _model;
    private readonly Tokenizer _tokenizer;
    private readonly SemaphoreSlim _turn = new(1);
    private readonly Lock _lock = new();
    private readonly Func<IEnumerable<ChatMessage>, string>? _prompt;
    private readonly string _name;
    private readonly int _context;
    private readonly TimeProvider _clock;
    private long _tokens;
    private TimeSpan _time;

    /// <summary>Loads a model.</summary>
    /// <param name="directory">A model as ONNX Runtime GenAI reads it.</param>
    /// <param name="context">The most tokens of prompt and answer.</param>
    /// <param name="prompt">Writes a prompt; null: the model's chat template does.</param>
    /// <param name="clock">Measures how fast tokens come.</param>
    public GenAIChatClient(string directory, int context, Func<IEnumerable<ChatMessage>, string>? prompt, TimeProvider clock)
    {
        _name = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(directory)));
        (_context, _prompt, _clock) = (context, prompt, clock);
        _model = new Model(directory);
        try
        {
            _tokenizer = new Tokenizer(_model);
        }
        catch
        {
            _model.Dispose();
            throw;
        }
    }

    /// <summary>Tokens of answers per second of reading prompts and writing answers; null before the first answer.</summary>
    public double? TokensPerSecond
    {
        get
        {
            lock (_lock) return _time > TimeSpan.Zero ? _tokens / _time.TotalSeconds : null;
        }
    }

    /// <inheritdoc/>
    public async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        await _turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            // Generating blocks, and the caller's thread may be one that others wait for.
            return await Task.Run(
                () => Answer(messages, options ?? new ChatOptions(), cancellationToken), cancellationToken).ConfigureAwait(false);
        }
        catch (OnnxRuntimeGenAIException e)
        {
            throw new TeacherException(TeacherFault.Request, $"the model could not answer: {e.Message.ReplaceLineEndings(" ")}", inner: e);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <inheritdoc/>
    public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException("answers are taken whole and not streamed");

    /// <inheritdoc/>
    public object? GetService(Type serviceType, object? serviceKey = null) =>
        serviceKey is null && serviceType.IsInstanceOfType(this) ? this : null;

    /// <inheritdoc/>
    public void Dispose()
    {
        _tokenizer.Dispose();
        _model.Dispose();
        _turn.Dispose();
    }

    private ChatResponse Answer(IEnumerable<ChatMessage> messages, ChatOptions options, CancellationToken cancellationToken)
    {
        var started = _clock.GetTimestamp();
        using var prompt = _tokenizer.Encode(_prompt is null ? Template(messages) : _prompt(messages));
        var input = prompt[0].Length;
        if (input >= _context)
            throw new TeacherException(
                TeacherFault.Refused, $"the prompt has {input} tokens, and the model reads {_context} of prompt and answer");

        var most = Math.Min(options.MaxOutputTokens ?? int.MaxValue, _context - input);
        using var parameters = Parameters(options, input + most);
        using var generator = new Generator(_model, parameters);
        using var decoder = _tokenizer.CreateStream();
        generator.AppendTokenSequences(prompt);
        var text = new StringBuilder();
        var (count, ended) = (0, false);
        while (!ended && count < most && !generator.IsDone())
        {
            cancellationToken.ThrowIfCancellationRequested();
            generator.GenerateNextToken();
            count++;
            var sequence = generator.GetSequence(0);
            // The token by which the model ends is not in the sequence, whose last token is the one before.
            if (sequence.Length < input + count)
            {
                ended = true;
                break;
            }

            var before = text.Length;
            text.Append(decoder.Decode(sequence[^1]));
            ended = Stop(text, before, options.StopSequences);
        }

        lock (_lock) (_tokens, _time) = (_tokens + count, _time + _clock.GetElapsedTime(started));
        return new ChatResponse(new ChatMessage(ChatRole.Assistant, text.ToString()))
        {
            ModelId = _name,
            FinishReason = ended ? ChatFinishReason.Stop : ChatFinishReason.Length,
            Usage = new UsageDetails { InputTokenCount = input, OutputTokenCount = count, TotalTokenCount = input + count },
        };
    }

    private string Template(IEnumerable<ChatMessage> messages) => _tokenizer.ApplyChatTemplate(
        null, JsonSerializer.Serialize(messages.Select(m => new { role = m.Role.Value, content = m.Text })), null, true);

    private GeneratorParams Parameters(ChatOptions options, int length)
    {
        var parameters = new GeneratorParams(_model);
        try
        {
            parameters.SetSearchOption("max_length", length);
            parameters.SetSearchOption("do_sample", options.Temperature > 0);
            if (options.Temperature is { } temperature and > 0) parameters.SetSearchOption("temperature", temperature);
            if (options.TopP is { } share) parameters.SetSearchOption("top_p", share);
            if (options.TopK is { } candidates) parameters.SetSearchOption("top_k", candidates);
            if (options.Seed is { } seed) parameters.SetSearchOption("random_seed", seed);
            if (options.ResponseFormat is ChatResponseFormatJson { Schema: { } schema })
                parameters.SetGuidance("json_schema", schema.GetRawText());
            return parameters;
        }
        catch
        {
            parameters.Dispose();
            throw;
        }
    }

    // A stop sequence may span tokens; what follows it is no part of the answer.
    private static bool Stop(StringBuilder text, int before, IList<string>? stops)
    {
        if (stops is null or { Count: 0 }) return false;
        var from = Math.Max(0, before - stops.Max(s => s.Length));
        var tail = text.ToString(from, text.Length - from);
        var at = stops.Select(s => tail.IndexOf(s, StringComparison.Ordinal)).Where(i => i >= 0).DefaultIfEmpty(-1).Min();
        if (at < 0) return false;
        text.Length = from + at;
        return true;
    }
}
