# A log in which every message has a domain, a client, an id and queue files of its own: the worst that
# a log can do to tables. It comes in, is handed on, tried twice and delivered, in ten lines.
#
#   awk -v lines=1000 -f benches/distinct.awk
BEGIN {
    for (message = 0; message * 10 < lines; message++) {
        second = int(message / 100)
        time = sprintf("%02d-Jan-2026 %02d:%02d:%02d.%02d", 1 + int(second / 86400) % 31, int(second / 3600) % 24, int(second / 60) % 60, second % 60, message % 100)
        client = sprintf("10.%d.%d.%d", int(message / 65536) % 256, int(message / 256) % 256, message % 256)
        transport = "TCP|192.0.2.25|25|" client "|" 1024 + message % 60000
        domain = "domain" message ".example"
        to = "s@sender.example rfc822;r@" domain " r@" domain
        id = "<" message "@sender.example> mailsrv"
        file = sprintf("%011d.00", message)
        inner = "/imta/queue/conversion/ZZ" file
        outer = "/imta/queue/tcp_local/ZZ" file
        retried = "/imta/queue/tcp_local/ZY" file
        busy = "  dns;mx." domain " (TCP|192.0.2.25|40000|" client "|25) smtp;450 4.2.0 busy"
        print time " 2e2d.2.1 tcp_local    +            O " transport " SMTP"
        print time " 2e2d.2.2 tcp_local    conversion   E 1 " to " " inner " " id
        print time " 2e2d.2.3 tcp_local                 J 0 " to "    mailsrv h (" client " [" client "]) 550 5.7.1 Relaying not permitted: r@" domain
        print time " 2e2d.2.4 tcp_local    +            U " transport " SMTP Bad password 535 5.7.8 Bad username or password"
        print time " 2e2d.2.5 tcp_local    +            C " transport " SMTP"
        print time " 3e2d.2.1 conversion   tcp_local    E 1 " to " " outer " " id
        print time " 3e2d.2.2 conversion                D 1 " to " " inner " " id
        print time " 4e2d.2.1 tcp_local                 Q 0 " to " " outer " " id busy
        print time " 4e2d.2.2 tcp_local                 Q 0 " to " " retried " " id busy
        print time " 4e2d.2.3 tcp_local                 D 1 " to " " retried " " id " mx." domain " dns;mx." domain " smtp;250 2.1.5 Ok"
    }
}
