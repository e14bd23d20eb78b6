using Anthropic;
using Microsoft.Extensions.AI;
using OllamaSharp;

namespace DistillOnnx.Teacher.Clients;

/// <summary>Clients of providers by the providers' own packages, none of which repeats anything by itself.</summary>
internal static class Providers
{
    private const string OtherKey = "set the key by DISTILL_ANNOTATE_API_KEY or --api-key-file";

    /// <summary>Anthropic's Messages API.</summary>
    public static IChatClient Anthropic(TeacherSpec spec, string? key, TimeSpan timeout, TimeProvider clock)
    {
        var http = new HttpClient(new FaultHandler(Endpoint(spec, key), timeout, clock) { KeyHeader = "x-api-key" })
        {
            Timeout = Timeout.InfiniteTimeSpan,
        };
        var client = new AnthropicClient
        {
            HttpClient = http,
            ApiKey = key ?? "",
            BaseUrl = spec.Url!.AbsoluteUri.TrimEnd('/'),
            MaxRetries = 0,
            Timeout = timeout + TimeSpan.FromSeconds(5),
        };
        return new ProviderChatClient(client.AsIChatClient(spec.Model), spec.Url.AbsoluteUri);
    }

    /// <summary>Ollama's own API. Its default context would cut long prompts without a word, so its size is set.</summary>
    public static IChatClient Ollama(TeacherSpec spec, string? key, TimeSpan timeout, TimeProvider clock)
    {
        var http = new HttpClient(new FaultHandler(Endpoint(spec, key), timeout, clock))
        {
            BaseAddress = spec.Url,
            Timeout = Timeout.InfiniteTimeSpan,
        };
        if (key is not null)
            http.DefaultRequestHeaders.Authorization = new System.Net.Http.Headers.AuthenticationHeaderValue("Bearer", key);
        return new ProviderChatClient(new OllamaApiClient(http, spec.Model), spec.Url!.AbsoluteUri, "num_ctx");
    }

    /// <summary>A teacher's endpoint, with the advice that fits its provider.</summary>
    /// <param name="spec">Model and place.</param>
    /// <param name="key">The key; null: there is none.</param>
    public static Endpoint Endpoint(TeacherSpec spec, string? key)
    {
        var model = $"expected the model \"{spec.Model}\" there";
        return spec.Kind switch
        {
            "anthropic" => new(
                spec.Url!,
                key,
                "set the key by ANTHROPIC_API_KEY or --api-key-file",
                model,
                "expected Anthropic's Messages API there (/v1/messages)"),
            "azure" => new(
                spec.Url!,
                key,
                "set the key by AZURE_OPENAI_API_KEY or --api-key-file",
                $"expected the deployment \"{spec.Model}\" there",
                $"expected a resource of Azure OpenAI there, with the deployment \"{spec.Model}\""),
            "ollama" => new(
                spec.Url!,
                key,
                OtherKey,
                $"{model}; fetch it by: ollama pull {spec.Model}",
                "expected Ollama there; start it by: ollama serve"),
            _ => new(
                spec.Url!,
                key,
                spec.Url!.Host == TeacherSpec.DefaultUrl.Host ? "set the key by OPENAI_API_KEY or --api-key-file" : OtherKey,
                model,
                $"expected OpenAI's protocol there, with the model \"{spec.Model}\"; of most servers the URL ends with /v1"),
        };
    }
}
