namespace NativeGreenlet.AspNetCore.Tests.Infrastructure;

/// <summary>The entry point of child processes; the test runner does not use it. Starts an application and ends.</summary>
internal static class Program
{
    private static async Task<int> Main()
    {
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
