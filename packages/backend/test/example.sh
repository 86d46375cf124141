mkdir -p hooks
printf '#!/bin/sh\nexec sleep infinity\n' > hooks/start
printf '#!/bin/sh\necho "promoted with token $MSDHA_FENCING_TOKEN"\n' > hooks/master
chmod +x hooks/start hooks/master

export MSDHA_GROUP=db MSDHA_NAME=one MSDHA_TTL=2       # and ETCDCTL_ENDPOINTS
export MSDHA_HOOKS_DIR=$PWD/hooks MSDHA_RUN_DIR=$PWD/run
msdha-backend &
until [ -e run/is_master ]; do sleep 0.1; done
msdha-backend status
kill -TERM $!                                          # a planned stop
wait $!
