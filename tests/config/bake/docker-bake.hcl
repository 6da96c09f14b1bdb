variable "TAG" { default = "1" }
group "default" { targets = ["app", "m"] }
target "app" { 
 context = "app"
 dockerfile = "Dockerfile"
 target = "prod"
 args = { A = "$${1}%%{2}", N = null }
 labels = { x = "y" }
 contexts = { data = "./data" , img = "docker-image://x:1", other = "target:base" }
 cache-from = ["type=registry,ref=127.0.0.1:5000/c"]
 cache-to = ["type=inline"]
 secret = ["id=npm,src=/etc/passwd", "type=env,id=t,env=TOK"]
 platforms = ["linux/amd64"]
 network = "host"
 no-cache = true
 pull = true
 shm-size = "128m"
 ulimits = ["nofile=1024:1024"]
 tags = ["app:${TAG}"]
 output = ["type=docker"]
 entitlements = ["network.host"]
 extra-hosts = { db = "10.0.0.1" }
 attest = ["type=provenance,mode=min"]
 annotations = ["a=b"]
 no-cache-filter = ["prod"]
 call = "build"
 description = "d"
}
target "base" { dockerfile-inline = "FROM base:1\nRUN echo $${HOME} $HOME\n" }
target "m" {
 matrix = { v = ["1","2"] }
 name = "m-${v}"
 args = { V = v }
}
