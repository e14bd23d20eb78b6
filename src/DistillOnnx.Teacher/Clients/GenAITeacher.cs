using DistillOnnx.Core;
using Microsoft.Extensions.AI;
#if ACCELERATOR_CUDA
using Microsoft.ML.OnnxRuntimeGenAI;
#endif

namespace DistillOnnx.Teacher.Clients;

/// <summary>A language model within this process, on ONNX Runtime GenAI, in builds that have its package.</summary>
internal static class GenAITeacher
{
    /// <summary>Loads the model of a directory.</summary>
    /// <exception cref="InputException">There is none, or this build cannot run it.</exception>
    public static IChatClient Open(string directory)
    {
        if (!File.Exists(Path.Combine(directory, "genai_config.json")))
            throw new InputException($"{directory}: expected a model of ONNX Runtime GenAI (genai_config.json)");
#if ACCELERATOR_CUDA
        // One sequence at a time: its options for caching would carry one row's state into the next.
        return new OnnxRuntimeGenAIChatClient(directory);
#else
        throw new InputException("--teacher genai: needs a build with -p:Accelerator=cuda; or serve the model by any server that speaks OpenAI's protocol and name it openai:MODEL@URL");
#endif
    }
}
