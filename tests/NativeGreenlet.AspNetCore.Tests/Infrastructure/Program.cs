using Xunit.Runner.InProc.SystemConsole;

namespace NativeGreenlet.AspNetCore.Tests.Infrastructure;

/// <summary>Runs the tests; or, as a child process, starts an application and ends, or shows what is named.</summary>
internal static class Program
{
    private static async Task<int> Main(string[] arguments)
    {
        if (arguments is not [ProgramHost.Child, ..])
        {
            return await ConsoleRunner.Run(arguments);
        }

        if (arguments is [_, ThreadShortage.Argument])
        {
            await ThreadShortage.RunAsync();
            return 0;
        }

        if (arguments is [_, StackShortage.Argument])
        {
            StackShortage.Run();
            return 0;
        }

        if (arguments is [_, WaitingRequests.Argument, var transport, var handler])
        {
            await WaitingRequests.RunAsync(transport, handler);
            return 0;
        }

        try
        {
            await using Server server = await Server.StartAsync(app => app.MapGet("/", () => GreenletRuntime.Backend.ToString()));
            Console.WriteLine(await server.GetAsync("/"));
            return 0;
        }
        catch (GreenletException exception)
        {
            Console.WriteLine($"{exception.Reason}: {exception.Message}");
            return 1;
        }
    }
}
