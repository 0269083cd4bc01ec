using System.ComponentModel;
using System.Diagnostics;

namespace NativeGreenlet.Cooperative.IO;

/// <summary>One run of a program, on threads of the pool.</summary>
internal sealed class ProcessRun(ProcessStartInfo start, string? input)
{
    // What the system makes of SIGKILL, and of TerminateProcess with .NET's own code.
    private static readonly int s_killed = OperatingSystem.IsWindows() ? -1 : 128 + 9;

    private volatile string _ending = "it is being killed";

    /// <summary>Says in words what became of the program when its run was given up.</summary>
    public string Ending => _ending;

    /// <summary>Runs it to its end. When this ends, however, so has the program, and its descriptors are closed.</summary>
    public async Task<GreenProcessResult> RunAsync(CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        using Process process = new() { StartInfo = start };
        process.Start();

        // Disposing of the process would leave open what was handed out.
        await using Stream inputStream = process.StandardInput.BaseStream; // not the writer, which would flush
        using StreamReader outputReader = process.StandardOutput;
        using StreamReader errorReader = process.StandardError;
        using CancellationTokenSource reading = new();
        Task<string> output = outputReader.ReadToEndAsync(reading.Token);
        Task<string> error = errorReader.ReadToEndAsync(reading.Token);
        Task writing = WriteAsync(process.StandardInput, reading.Token);
        try
        {
            await process.WaitForExitAsync(cancellation).ConfigureAwait(false);
            await Task.WhenAll(output, error).WaitAsync(cancellation).ConfigureAwait(false);
            return new GreenProcessResult(process.ExitCode, await output.ConfigureAwait(false), await error.ConfigureAwait(false));
        }
        finally
        {
            await EndAsync(process).ConfigureAwait(false);
            await reading.CancelAsync().ConfigureAwait(false);
            await Task.WhenAll(output, error, writing).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task EndAsync(Process process)
    {
        if (!process.HasExited)
        {
            try
            {
                process.Kill(entireProcessTree: true);
            }
            catch (Exception exception) when (exception is Win32Exception or InvalidOperationException or AggregateException)
            {
                // It has just ended, or some of its children are not ours to kill.
            }

            await process.WaitForExitAsync(CancellationToken.None).ConfigureAwait(false);
            if (process.ExitCode == s_killed)
            {
                _ending = "it was killed";
                return;
            }

            // It had ended by itself, and .NET had not yet been told.
        }

        _ending = $"it has ended, with exit code {process.ExitCode}, but something that it started holds its output, and goes on";
    }

    private async Task WriteAsync(StreamWriter to, CancellationToken cancellation)
    {
        try
        {
            await to.WriteAsync(input.AsMemory(), cancellation).ConfigureAwait(false);
            await to.BaseStream.DisposeAsync().ConfigureAwait(false); // it flushes by itself
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException)
        {
            // It ended, or closed its input, without reading all of it.
        }
    }
}
