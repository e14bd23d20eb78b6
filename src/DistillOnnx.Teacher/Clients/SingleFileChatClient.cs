using Microsoft.Extensions.AI;

namespace DistillOnnx.Teacher.Clients;

/// <summary>
/// A model within this process, asked one request after another: its memory has room for one sequence. What is meant for this
/// toolchain alone is taken out of the request, for such a model reads additional properties as settings of its search; and
/// above temperature 0 it is told to sample, which it does not do by itself.
/// </summary>
/// <param name="inner">The model.</param>
/// <param name="isFault">Tells which exceptions are the model's own: they fail one request, not the run.</param>
internal sealed class SingleFileChatClient(IChatClient inner, Func<Exception, bool> isFault) : DelegatingChatClient(inner)
{
    private const string DoSample = "do_sample";
    private readonly SemaphoreSlim _turn = new(1);

    /// <inheritdoc/>
    public override async Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        options = options?.Clone() ?? new ChatOptions();
        options.AdditionalProperties = new AdditionalPropertiesDictionary { [DoSample] = options.Temperature > 0 };
        await _turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            // Generating blocks; the thread that asks is the pool's.
            return await base.GetResponseAsync(messages, options, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (isFault(e))
        {
            throw new TeacherException(TeacherFault.Request, $"the model could not answer: {e.Message.ReplaceLineEndings(" ")}", inner: e);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing) _turn.Dispose();
        base.Dispose(disposing);
    }
}
