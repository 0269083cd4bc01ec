using System.Net;
using NativeGreenlet.Cooperative;

namespace NativeGreenlet.Chat;

/// <summary>Many people in one room, who check that they hear everything.</summary>
internal static class Conversation
{
    private const int People = 50;
    private const int Lines = 10;

    public static void Run()
    {
        using ChatServer server = new(new IPEndPoint(IPAddress.Loopback, 0));
        server.Start();
        using GreenTimeout limit = new(TimeSpan.FromSeconds(60));
        GreenPool pool = new(People);

        // Everybody comes, and waits for the last one.
        IReadOnlyList<ChatClient> clients = pool.Map(Enumerable.Range(0, People), number => new ChatClient(server.EndPoint, $"person {number}"));
        using ChatClient sleepy = new(server.EndPoint, "sleepy");
        pool.ForEach(clients, client => client.HearOf("* sleepy is here"));
        Console.WriteLine($"{server.Members.Count} people are in the room");

        // All talk at the same time, and hear.
        IReadOnlyList<bool> heard = pool.Map(clients, client =>
        {
            GreenTask talking = Hub.Spawn(() =>
            {
                for (int i = 0; i < Lines; i++)
                {
                    client.Say($"line {i}");
                    Hub.Yield();
                }
            });
            bool isRight = HearsEverything(client);
            talking.Join();
            return isRight;
        });
        Console.WriteLine($"{People} of them say {Lines} lines each, and {heard.Count(each => each)} hear all {People * Lines}, each one's in order");
        sleepy.HearOf("* sleepy is here");
        Console.WriteLine($"one has slept and hears them now: {HearsEverything(sleepy)}");

        // Somebody's line breaks.
        clients[0].Break();
        pool.ForEach(clients.Skip(1), client => client.HearOf("* person 0 has left"));
        Console.WriteLine($"a line broke, the others were told, and {server.Members.Count} are left");
        foreach (ChatClient client in clients)
        {
            client.Dispose();
        }
    }

    private static bool HearsEverything(ChatClient client)
    {
        Dictionary<string, int> next = [];
        for (int left = People * Lines; left > 0; left--)
        {
            string[] said = client.Hear().Split(": line ");
            int number = next.GetValueOrDefault(said[0]);
            if (said.Length != 2 || said[1] != number.ToString(System.Globalization.CultureInfo.InvariantCulture))
            {
                return false;
            }

            next[said[0]] = number + 1;
        }

        return next.Count == People && next.Values.All(count => count == Lines);
    }
}
