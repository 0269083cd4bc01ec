using System.Diagnostics;

namespace NativeGreenlet.Akka.Tests.Clusters;

/// <summary>A process that is a <see cref="ClusterNode"/>.</summary>
internal sealed class NodeProcess : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(3);

    private readonly Process _process;

    public NodeProcess(string? seed = null)
    {
        string[] program = ["exec", Path.ChangeExtension(typeof(NodeProcess).Assembly.Location, ".dll"), Infrastructure.Program.Node];
        _process = Process.Start(new ProcessStartInfo("dotnet", seed is null ? program : [.. program, seed]) { RedirectStandardInput = true, RedirectStandardOutput = true })!;
        Address = Read();
    }

    public string Address { get; }

    public string Tell(string command)
    {
        _process.StandardInput.WriteLine(command);
        _process.StandardInput.Flush();
        return Read();
    }

    /// <summary>Ends it as a power cut would.</summary>
    public void Kill()
    {
        _process.Kill();
        _process.WaitForExit();
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            Kill();
        }

        _process.Dispose();
    }

    private string Read()
    {
        Task<string?> line = _process.StandardOutput.ReadLineAsync();
        return line.Wait(s_patience) ? line.Result ?? throw new InvalidOperationException("The node has ended.") : throw new TimeoutException("The node does not answer: something hangs.");
    }
}
