using Microsoft.Extensions.AI;

namespace DistillOnnx.Teacher.Tests;

/// <summary>A teacher that fails, or answers with what it was asked; counts and keeps what it was given.</summary>
/// <param name="fault">The fault of a call, counted from 1; null: it answers.</param>
internal sealed class FaultyTeacher(Func<int, Exception?> fault) : IChatClient
{
    private int _inside;

    public int Calls { get; private set; }

    public int MostAtOnce { get; private set; }

    public List<ChatOptions?> Options { get; } = [];

    public async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        MostAtOnce = Math.Max(MostAtOnce, ++_inside);
        var call = ++Calls;
        Options.Add(options);
        await Task.Yield();
        _inside--;
        return fault(call) is { } exception
            ? throw exception
            : new ChatResponse(new ChatMessage(ChatRole.Assistant, string.Concat(messages.Select(m => m.Text))));
    }

    public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException();

    public object? GetService(Type serviceType, object? serviceKey = null) => null;

    public void Dispose()
    {
    }
}
