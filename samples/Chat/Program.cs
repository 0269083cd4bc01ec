using System.Globalization;
using System.Net;
using NativeGreenlet.Chat;
using NativeGreenlet.Cooperative;

// A chat server in plain, blocking style, in one thread.
//   Chat                a conversation of fifty, in the same thread, to see that it works
//   Chat serve [port]   for you: join with "nc localhost 7000", as often as you like
Hub.Run(() =>
{
    if (args is ["serve", ..])
    {
        int port = args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : 7000;
        using ChatServer server = new(new IPEndPoint(IPAddress.Loopback, port));
        server.Start();
        Console.WriteLine($"listening on {server.EndPoint}");
        server.ServeForever();
    }
    else
    {
        Conversation.Run();
    }
});
