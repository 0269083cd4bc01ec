using System.Diagnostics;

namespace NativeGreenlet.Cooperative;

/// <summary>Runs programs while the task is parked.</summary>
public static class GreenProcess
{
    /// <summary>Runs a program to its end.</summary>
    /// <param name="fileName">The program.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <returns>Its exit code and what it wrote.</returns>
    public static GreenProcessResult Run(string fileName, params IEnumerable<string> arguments) =>
        Run(new ProcessStartInfo(fileName, arguments));

    /// <summary>Runs a program to its end. It is killed, with its children, if the task is, or its time is up.</summary>
    /// <param name="start">What to run; its output is redirected.</param>
    /// <param name="input">What it gets on its standard input.</param>
    /// <param name="timeout">How long it may take; null for no limit.</param>
    /// <returns>Its exit code and what it wrote.</returns>
    /// <exception cref="TimeoutException">It took longer.</exception>
    public static GreenProcessResult Run(ProcessStartInfo start, string? input = null, TimeSpan? timeout = null)
    {
        ArgumentNullException.ThrowIfNull(start);
        Hub.EnterWait();
        start.UseShellExecute = false;
        start.RedirectStandardInput = true;
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        Process process = Process.Start(start)!;
        Task<GreenProcessResult> ending = FinishAsync(process, input);
        bool isDone = false;
        try
        {
            isDone = Hub.Await(ending, timeout ?? Timeout.InfiniteTimeSpan);
        }
        finally
        {
            if (!isDone && !process.HasExited)
            {
                process.Kill(entireProcessTree: true);
            }
        }

        return isDone ? ending.Result : throw new TimeoutException($"{start.FileName} took longer than {timeout}; it was killed.");
    }

    private static async Task<GreenProcessResult> FinishAsync(Process process, string? input)
    {
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        try
        {
            await process.StandardInput.WriteAsync(input).ConfigureAwait(false);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It ended, or closed its input, without reading all of it.
        }

        await process.WaitForExitAsync().ConfigureAwait(false);
        return new GreenProcessResult(process.ExitCode, await output.ConfigureAwait(false), await error.ConfigureAwait(false));
    }
}
